DROP FUNCTION list_sessions;
