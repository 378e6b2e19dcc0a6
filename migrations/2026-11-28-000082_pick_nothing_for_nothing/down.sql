DROP FUNCTION pick;
ALTER FUNCTION pick_some RENAME TO pick;
COMMENT ON FUNCTION pick IS 'the named fields of carried settings only, so that a list of many rows stays small';
