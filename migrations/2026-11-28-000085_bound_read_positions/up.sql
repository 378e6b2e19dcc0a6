-- A batch for Kafka has a bound in bytes, too. Beside the function without it, which a gateway that still runs may call.
CREATE FUNCTION positions_after(p_after bigint, p_most integer, p_bytes bigint)
RETURNS TABLE (
    pos bigint, created_at timestamptz, recorded_at timestamptz, emstream text, hash bytea, id uuid, topic text, key text,
    envelope text, states text
) LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE v_left bigint := p_bytes;
BEGIN
    FOR pos, created_at, recorded_at, emstream, hash, id, topic, key, envelope, states IN
        SELECT p.pos, p.created_at, p.recorded_at, p.emstream, p.hash, l.id, l.topic, l.key, l.envelope::text, l.states::text
        FROM (SELECT * FROM event_position q WHERE q.pos > p_after ORDER BY q.pos LIMIT p_most) p
        JOIN event_log l ON l.created_at = p.created_at AND l.seq = p.seq
        ORDER BY p.pos
    LOOP
        RETURN NEXT;
        v_left := v_left - octet_length(envelope) - coalesce(octet_length(states), 0);
        EXIT WHEN v_left <= 0;
    END LOOP;
END $$;
COMMENT ON FUNCTION positions_after(bigint, integer, bigint) IS
    'numbered events after a position, in order, up to the one with which so many bytes are reached';
