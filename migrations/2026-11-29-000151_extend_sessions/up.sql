-- To extend is the one word for putting an end off. Each end is announced, a new one too; sessions that were too short for a warning are
-- looked at again, since the warning may be made shorter.
ALTER TABLE sessions RENAME COLUMN extensions TO times_extended;
COMMENT ON COLUMN sessions.times_extended IS 'how often its end was put off';
COMMENT ON COLUMN sessions.warned_at IS 'when its end was announced; none: not yet, or not since it was extended';

DROP FUNCTION put_off_session(uuid, timestamptz, boolean, text);
CREATE FUNCTION extend_session(p_session uuid, p_end timestamptz, p_envelope text) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    WITH extended AS (
        UPDATE sessions SET expires_at = p_end, times_extended = times_extended + 1, warned_at = NULL, login_envelope = p_envelope::json
        WHERE session_id = p_session RETURNING session_id)
    SELECT count(*) FROM extended
$$;
COMMENT ON FUNCTION extend_session IS 'puts the end of a session off; keeps what its login would say of it now';

CREATE FUNCTION sessions_near_their_end(p_now timestamptz, p_warning interval, p_most bigint) RETURNS bigint[]
LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(x.phone_pk), '{}') FROM (
        SELECT s.phone_pk FROM sessions s
        WHERE s.warned_at IS NULL AND s.expires_at > p_now AND s.expires_at <= p_now + p_warning
            AND s.expires_at - s.started_at > p_warning
        ORDER BY s.expires_at LIMIT p_most) x
$$;
COMMENT ON FUNCTION sessions_near_their_end IS 'the phones of sessions whose end is near and was not announced, the next ones first';
