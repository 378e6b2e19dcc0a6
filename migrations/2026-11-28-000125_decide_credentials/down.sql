DROP INDEX credentials_by_age;
DROP FUNCTION finite_moment;
DROP FUNCTION decide_credential;
