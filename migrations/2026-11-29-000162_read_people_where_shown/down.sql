DROP FUNCTION login_conditions(text, text[], boolean[]);
