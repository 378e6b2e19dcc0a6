-- Planner settings: the log grows large while the plans are made when it is small; every step here goes by an index.
CREATE FUNCTION take_pending_events(p_most integer)
RETURNS TABLE (seq bigint, created_at timestamptz, envelope text)
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH taken AS (
        DELETE FROM event_pending p
        WHERE p.seq IN (SELECT q.seq FROM event_pending q ORDER BY q.seq LIMIT p_most)
        RETURNING p.seq, p.created_at
    )
    SELECT l.seq, l.created_at, l.envelope::text
    FROM taken t JOIN event_log l ON l.created_at = t.created_at AND l.seq = t.seq
    ORDER BY l.seq;
END $$;
COMMENT ON FUNCTION take_pending_events IS 'takes the oldest events that have no number; the caller holds the row of event_stream';

CREATE FUNCTION number_events(
    p_epoch bigint, p_recorded_at timestamptz, p_confirmed bigint,
    n_pos bigint[], n_seq bigint[], n_created_at timestamptz[], n_hash bytea[]
) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_last bigint;
BEGIN
    INSERT INTO event_position (pos, seq, created_at, emstream, recorded_at, hash)
    SELECT n.pos, n.seq, n.created_at, s.emstream, p_recorded_at, n.hash
    FROM event_stream s, unnest(n_pos, n_seq, n_created_at, n_hash) AS n (pos, seq, created_at, hash);
    UPDATE event_stream s
    SET last_pos = s.last_pos + cardinality(n_pos), confirmed_pos = greatest(s.confirmed_pos, p_confirmed)
    WHERE s.leader_epoch = p_epoch RETURNING s.last_pos INTO v_last;
    RETURN v_last;
END $$;
COMMENT ON FUNCTION number_events IS 'gives numbers and notes what Kafka has acknowledged; null: another node leads';

CREATE FUNCTION positions_after(p_after bigint, p_most integer)
RETURNS TABLE (
    pos bigint, created_at timestamptz, recorded_at timestamptz, emstream text, hash bytea, id uuid, topic text, key text,
    envelope text
) LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT p.pos, p.created_at, p.recorded_at, p.emstream, p.hash, l.id, l.topic, l.key, l.envelope::text
    FROM (SELECT * FROM event_position q WHERE q.pos > p_after ORDER BY q.pos LIMIT p_most) p
    JOIN event_log l ON l.created_at = p.created_at AND l.seq = p.seq
    ORDER BY p.pos;
END $$;
COMMENT ON FUNCTION positions_after IS 'numbered events after a position, in order';

CREATE FUNCTION restart_event_line(p_epoch bigint, p_emstream text, p_above bigint) RETURNS boolean
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
COMMENT ON FUNCTION restart_event_line IS 'begins a new number line above everything that was ever seen; what Kafka had not acknowledged is numbered again';
