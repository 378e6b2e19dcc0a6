DROP FUNCTION write_attempts;
