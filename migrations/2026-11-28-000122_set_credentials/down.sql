DROP FUNCTION set_credential;
