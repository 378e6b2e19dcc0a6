-- Cookies of API clients are signed with a key made of the pepper, which is a file, and of this, so that neither a copy of the database
-- nor a copy of the file is enough to make one. 244 random bits. A new value ends every sign-in.
ALTER TABLE cluster ADD COLUMN sign_in_secret bytea NOT NULL
    DEFAULT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');
COMMENT ON COLUMN cluster.sign_in_secret IS 'half of the key that signs cookies of API clients; the pepper is the other';
