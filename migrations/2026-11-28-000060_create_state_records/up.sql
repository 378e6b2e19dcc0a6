-- State records follow their event: most are made of the event itself when it is copied; what an event does not say stands beside it.
COMMENT ON COLUMN event_log.states IS 'state records that follow the event beyond its own: array of { topic, key, data or null }';

DROP FUNCTION positions_after;
CREATE FUNCTION positions_after(p_after bigint, p_most integer)
RETURNS TABLE (
    pos bigint, created_at timestamptz, recorded_at timestamptz, emstream text, hash bytea, id uuid, topic text, key text,
    envelope text, states text
) LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT p.pos, p.created_at, p.recorded_at, p.emstream, p.hash, l.id, l.topic, l.key, l.envelope::text, l.states::text
    FROM (SELECT * FROM event_position q WHERE q.pos > p_after ORDER BY q.pos LIMIT p_most) p
    JOIN event_log l ON l.created_at = p.created_at AND l.seq = p.seq
    ORDER BY p.pos;
END $$;
COMMENT ON FUNCTION positions_after IS 'numbered events after a position, in order';

-- Beside the function without states, which logins and all other events take.
CREATE FUNCTION append_events(
    p_now timestamptz, e_id uuid[], e_type text[], e_topic text[], e_key text[], e_envelope text[], e_states text[]
) RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
DECLARE n integer;
BEGIN
    WITH appended AS (
        INSERT INTO event_log (created_at, id, type, topic, key, envelope, states)
        SELECT p_now, e.id, e.type, e.topic, e.key, e.envelope::json, e.states::json
        FROM unnest(e_id, e_type, e_topic, e_key, e_envelope, e_states)
            WITH ORDINALITY AS e (id, type, topic, key, envelope, states, place)
        ORDER BY e.place
        RETURNING seq, created_at
    )
    INSERT INTO event_pending (seq, created_at) SELECT seq, created_at FROM appended;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
COMMENT ON FUNCTION append_events(timestamptz, uuid[], text[], text[], text[], text[], text[]) IS
    'appends the events of one transaction in the order of the arrays, with state records that follow them';
