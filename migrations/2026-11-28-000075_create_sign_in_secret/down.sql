ALTER TABLE cluster DROP COLUMN sign_in_secret;
