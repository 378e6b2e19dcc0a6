-- The whole state is published again when somebody asks, when a state topic was lost, and on every new number line.
ALTER TABLE event_stream ADD COLUMN state_due boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN event_stream.state_due IS 'the leader is to publish the whole state again';

CREATE OR REPLACE FUNCTION restart_event_line(p_epoch bigint, p_emstream text, p_above bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_confirmed bigint;
BEGIN
    SELECT confirmed_pos INTO v_confirmed FROM event_stream WHERE leader_epoch = p_epoch FOR UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    WITH unnumbered AS (DELETE FROM event_position WHERE pos > v_confirmed RETURNING seq, created_at)
    INSERT INTO event_pending (seq, created_at) SELECT seq, created_at FROM unnumbered;
    UPDATE event_stream SET emstream = p_emstream, last_pos = greatest(last_pos, p_above),
        confirmed_pos = greatest(last_pos, p_above), state_due = true;
    RETURN true;
END $$;

-- A session may outlive the log that tells of its login.
ALTER TABLE sessions ADD COLUMN login_envelope json;
COMMENT ON COLUMN sessions.login_envelope IS 'the envelope of the login, kept only when the log is about to drop it';

CREATE FUNCTION keep_login_envelopes(p_before timestamptz, p_most integer) RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
DECLARE n integer;
BEGIN
    WITH old AS (
        SELECT s.phone_pk, s.session_id, s.started_at FROM sessions s
        WHERE s.started_at < p_before AND s.login_envelope IS NULL
          AND EXISTS (SELECT FROM event_log l WHERE l.created_at = s.started_at AND l.type = 'em.device.login.v1'
            AND l.envelope -> 'data' ->> 'sessionId' = s.session_id::text)
        ORDER BY s.phone_pk LIMIT p_most FOR NO KEY UPDATE
    )
    UPDATE sessions s SET login_envelope = l.envelope
    FROM old o JOIN event_log l ON l.created_at = o.started_at AND l.type = 'em.device.login.v1'
        AND l.envelope -> 'data' ->> 'sessionId' = o.session_id::text
    WHERE s.phone_pk = o.phone_pk;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
COMMENT ON FUNCTION keep_login_envelopes IS 'copies what the log says of logins before a moment to the sessions that still run';

-- Planner settings as for reading the number line: every step here goes by an index.
CREATE FUNCTION sessions_with_logins(p_after bigint, p_most integer)
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
COMMENT ON FUNCTION sessions_with_logins IS 'active sessions after a phone, in order, each with the envelope of its login as far as it is kept';
