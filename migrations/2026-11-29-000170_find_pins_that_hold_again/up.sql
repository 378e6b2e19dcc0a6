-- PINs of whose end somebody was told: those that hold again, because they may be older now or never end, are to be told of once more.
CREATE INDEX credentials_told_by_age ON credentials (changed_at) WHERE kind = 'pin' AND expiry_told;
CREATE INDEX credentials_told_and_endless ON credentials (holder_pk) WHERE kind = 'pin' AND expiry_told AND never_expires;
COMMENT ON COLUMN credentials.expiry_told IS 'whether the event log says that this secret has expired; taken back when it holds again';
