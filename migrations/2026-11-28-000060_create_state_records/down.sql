DROP FUNCTION append_events(timestamptz, uuid[], text[], text[], text[], text[], text[]);
DROP FUNCTION positions_after;
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
COMMENT ON COLUMN event_log.states IS 'state records that follow the event: array of { topic, key, envelope or null }';
