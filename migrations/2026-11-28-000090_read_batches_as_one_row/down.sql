DROP FUNCTION lock_and_read_batch;
DROP FUNCTION given_settings;
DROP FUNCTION buttons_of;
DROP VIEW line_buttons;
DROP TYPE login_session, login_profile, login_phone, login_default_profile, login_user, login_name;
