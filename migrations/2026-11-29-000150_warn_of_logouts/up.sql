-- Before an automatic logout the phone is warned, and the session may be given more time; who was logged out by a login elsewhere is told.
ALTER TABLE sessions ADD COLUMN warned_at timestamptz, ADD COLUMN extensions smallint NOT NULL DEFAULT 0;
COMMENT ON COLUMN sessions.warned_at IS 'when its end was announced, or found too near to its beginning for that; none: not yet, or not since it was put off';
COMMENT ON COLUMN sessions.extensions IS 'how often its end was put off';
COMMENT ON COLUMN sessions.login_envelope IS
    'the envelope of the login, kept when the log is about to drop it, and with the present end when that was put off';
CREATE INDEX sessions_to_warn ON sessions (expires_at) WHERE expires_at IS NOT NULL AND warned_at IS NULL;

ALTER TABLE last_sessions ADD COLUMN replaced_session uuid, ADD COLUMN replaced_at timestamptz;
COMMENT ON COLUMN last_sessions.replaced_session IS 'the last session of this phone that a login at another phone has ended';

-- What is kept with the session is newer than what the log says of the login.
CREATE OR REPLACE FUNCTION sessions_with_logins(p_after bigint, p_most integer)
RETURNS TABLE (phone_pk bigint, key text, session_id uuid, started_at timestamptz, event_id uuid, envelope text)
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT s.phone_pk, o.name, s.session_id, s.started_at,
        coalesce(l.id, (s.login_envelope ->> 'id')::uuid), coalesce(s.login_envelope, l.envelope)::text
    FROM (SELECT * FROM sessions x WHERE x.phone_pk > p_after ORDER BY x.phone_pk LIMIT p_most) s
    JOIN objects o ON o.pk = s.phone_pk
    LEFT JOIN LATERAL (
        SELECT e.id, e.envelope FROM event_log e
        WHERE e.created_at = s.started_at AND e.type = 'em.device.login.v1' AND e.key = o.name
          AND e.envelope -> 'data' ->> 'sessionId' = s.session_id::text
        LIMIT 1) l ON true
    ORDER BY s.phone_pk;
END $$;

CREATE FUNCTION put_off_session(p_session uuid, p_end timestamptz, p_announce boolean, p_envelope text) RETURNS bigint
LANGUAGE sql VOLATILE AS $$
    WITH put_off AS (
        UPDATE sessions SET expires_at = p_end, extensions = extensions + 1, login_envelope = p_envelope::json,
            warned_at = CASE WHEN p_announce THEN NULL ELSE warned_at END
        WHERE session_id = p_session RETURNING session_id)
    SELECT count(*) FROM put_off
$$;
COMMENT ON FUNCTION put_off_session IS 'puts the end of a session off; keeps what its login would say of it now';
