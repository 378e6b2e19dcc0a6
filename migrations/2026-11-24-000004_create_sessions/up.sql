CREATE TABLE sessions (
    phone_pk          bigint NOT NULL,
    user_pk           bigint NOT NULL,
    profile_pk        bigint NOT NULL,
    session_id        uuid NOT NULL,
    started_at        timestamptz NOT NULL,
    expires_at        timestamptz,
    max_login_seconds integer,
    max_login_source  text,
    login_method      text NOT NULL,
    exclusive         boolean NOT NULL,
    CONSTRAINT one_session_per_phone PRIMARY KEY (phone_pk),
    CONSTRAINT one_row_per_session UNIQUE (session_id),
    CONSTRAINT session_phone FOREIGN KEY (phone_pk) REFERENCES phones (pk) ON DELETE RESTRICT,
    CONSTRAINT session_holder FOREIGN KEY (user_pk) REFERENCES users (pk) ON DELETE RESTRICT,
    CONSTRAINT profile_logged_in FOREIGN KEY (profile_pk) REFERENCES device_profiles (pk) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX one_exclusive_session_per_user ON sessions (user_pk) WHERE exclusive;
CREATE INDEX sessions_by_user ON sessions (user_pk);
CREATE INDEX sessions_by_profile ON sessions (profile_pk);
CREATE INDEX sessions_by_expiry ON sessions (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON TABLE sessions IS 'active sessions only: one period of a user on a phone, from login to logout';
COMMENT ON COLUMN sessions.exclusive IS 'opened while one user could have one session only';
