DROP FUNCTION lock_and_read_logins;
DROP TYPE login_device;
DROP TYPE login_person;
