ALTER TABLE credentials RESET (fillfactor);
DROP FUNCTION charge_nobody;
DROP TABLE absent_attempts;
