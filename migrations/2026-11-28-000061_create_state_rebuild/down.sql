DROP FUNCTION sessions_with_logins;
DROP FUNCTION keep_login_envelopes;
ALTER TABLE sessions DROP COLUMN login_envelope;
CREATE OR REPLACE FUNCTION restart_event_line(p_epoch bigint, p_emstream text, p_above bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_confirmed bigint;
BEGIN
    SELECT confirmed_pos INTO v_confirmed FROM event_stream WHERE leader_epoch = p_epoch FOR UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    WITH unnumbered AS (DELETE FROM event_position WHERE pos > v_confirmed RETURNING seq, created_at)
    INSERT INTO event_pending (seq, created_at) SELECT seq, created_at FROM unnumbered;
    UPDATE event_stream SET emstream = p_emstream, last_pos = greatest(last_pos, p_above),
        confirmed_pos = greatest(last_pos, p_above);
    RETURN true;
END $$;
ALTER TABLE event_stream DROP COLUMN state_due;
