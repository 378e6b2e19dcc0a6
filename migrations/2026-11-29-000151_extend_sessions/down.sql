DROP FUNCTION sessions_near_their_end;
DROP FUNCTION extend_session;
ALTER TABLE sessions RENAME COLUMN times_extended TO extensions;
CREATE FUNCTION put_off_session(p_session uuid, p_end timestamptz, p_announce boolean, p_envelope text) RETURNS bigint
LANGUAGE sql VOLATILE AS $$
    WITH put_off AS (
        UPDATE sessions SET expires_at = p_end, extensions = extensions + 1, login_envelope = p_envelope::json,
            warned_at = CASE WHEN p_announce THEN NULL ELSE warned_at END
        WHERE session_id = p_session RETURNING session_id)
    SELECT count(*) FROM put_off
$$;
