DROP FUNCTION put_off_session;
CREATE OR REPLACE FUNCTION sessions_with_logins(p_after bigint, p_most integer)
RETURNS TABLE (phone_pk bigint, key text, session_id uuid, started_at timestamptz, event_id uuid, envelope text)
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT s.phone_pk, o.name, s.session_id, s.started_at,
        coalesce(l.id, (s.login_envelope ->> 'id')::uuid), coalesce(l.envelope, s.login_envelope)::text
    FROM (SELECT * FROM sessions x WHERE x.phone_pk > p_after ORDER BY x.phone_pk LIMIT p_most) s
    JOIN objects o ON o.pk = s.phone_pk
    LEFT JOIN LATERAL (
        SELECT e.id, e.envelope FROM event_log e
        WHERE e.created_at = s.started_at AND e.type = 'em.device.login.v1' AND e.key = o.name
          AND e.envelope -> 'data' ->> 'sessionId' = s.session_id::text
        LIMIT 1) l ON true
    ORDER BY s.phone_pk;
END $$;
ALTER TABLE last_sessions DROP COLUMN replaced_session, DROP COLUMN replaced_at;
DROP INDEX sessions_to_warn;
ALTER TABLE sessions DROP COLUMN warned_at, DROP COLUMN extensions;
COMMENT ON COLUMN sessions.login_envelope IS 'the envelope of the login, kept only when the log is about to drop it';
