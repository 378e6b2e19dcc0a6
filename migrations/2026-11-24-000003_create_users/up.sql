CREATE TABLE users (
    pk                 bigint PRIMARY KEY REFERENCES objects (pk) ON DELETE CASCADE,
    first_name         text,
    last_name          text NOT NULL,
    department         text,
    home_cluster       boolean NOT NULL DEFAULT true,
    max_login_seconds  integer,
    default_profile_pk bigint REFERENCES device_profiles (pk) ON DELETE SET NULL,
    self_service       text,
    self_service_key   text,
    CONSTRAINT one_user_per_self_service_id UNIQUE (self_service_key),
    CONSTRAINT login_time_in_range CHECK (max_login_seconds BETWEEN 0 AND 604800)
);
COMMENT ON TABLE users IS 'typed core of User: an end user, who logs in with a PIN';
COMMENT ON COLUMN users.max_login_seconds IS 'the user''s own maximum login time; counts only where the user profile grants it';

CREATE TABLE app_users (
    pk bigint PRIMARY KEY REFERENCES objects (pk) ON DELETE CASCADE
);
COMMENT ON TABLE app_users IS 'typed core of AppUser: a program or administrator, who signs in with a password';

CREATE TABLE credentials (
    holder_pk    bigint NOT NULL REFERENCES objects (pk) ON DELETE CASCADE,
    kind         text NOT NULL,
    hash         text NOT NULL,
    pepper_id    text NOT NULL,
    version      bigint NOT NULL DEFAULT 1,
    failed       integer NOT NULL DEFAULT 0,
    failed_at    timestamptz,
    locked_until timestamptz,
    changed_at   timestamptz NOT NULL,
    PRIMARY KEY (holder_pk, kind),
    CONSTRAINT known_credential CHECK (kind IN ('pin', 'password'))
);
COMMENT ON TABLE credentials IS 'peppered hashes and lock-out state (security.md HASH-1, AUTH-1 to AUTH-5)';
