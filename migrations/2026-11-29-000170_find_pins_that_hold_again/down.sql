COMMENT ON COLUMN credentials.expiry_told IS 'whether the event log says that this secret has expired';
DROP INDEX credentials_told_and_endless;
DROP INDEX credentials_told_by_age;
