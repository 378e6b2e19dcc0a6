-- One round of numbering in one statement. Beside take_pending_events and number_events, which a gateway that still runs calls.
-- Planner settings: the log grows large while the plans are made when it is small; every step here goes by an index.
CREATE FUNCTION number_pending_events(p_epoch bigint, p_confirmed bigint, p_now timestamptz, p_most integer)
RETURNS TABLE (last bigint, is_any boolean, types text[])
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_gap CONSTANT bytea := convert_to(',"correlationid":', 'UTF8');
    v_stream text; v_first bigint; v_now timestamptz; v_link bytea; v_value bytea; v_at integer; v_number text; e record;
    v_seq bigint[] := '{}'; v_created_at timestamptz[] := '{}'; v_hash bytea[] := '{}';
BEGIN
    types := '{}';
    -- without a lock, so that idling costs nothing
    PERFORM q.seq FROM event_pending q ORDER BY q.seq LIMIT 1;
    is_any := FOUND;
    IF NOT is_any THEN
        SELECT s.last_pos INTO last FROM event_stream s WHERE s.leader_epoch = p_epoch;
        IF FOUND THEN RETURN NEXT; END IF;
        RETURN;
    END IF;
    -- a statement of its own: those after it see all that the leader before has numbered
    SELECT s.emstream, s.last_pos, s.last_pos INTO v_stream, v_first, last
    FROM event_stream s WHERE s.leader_epoch = p_epoch FOR UPDATE;
    IF NOT FOUND THEN RETURN; END IF;
    v_now := coalesce(p_now, date_trunc('milliseconds', clock_timestamp()));
    SELECT p.hash INTO v_link FROM event_position p ORDER BY p.pos DESC LIMIT 1;
    v_link := coalesce(v_link, decode(repeat('00', 32), 'hex'));
    FOR e IN
        SELECT l.seq, l.created_at, l.type, convert_to(l.envelope::text, 'UTF8') AS envelope
        FROM (SELECT q.seq, q.created_at FROM event_pending q ORDER BY q.seq LIMIT p_most) p
        JOIN event_log l ON l.created_at = p.created_at AND l.seq = p.seq
        ORDER BY p.seq
    LOOP
        v_at := position(v_gap IN e.envelope);
        -- no envelope of ours: what stands before it is numbered, what comes after it is not
        EXIT WHEN v_at = 0;
        last := last + 1;
        v_number := ',"sequence":"' || lpad(last::text, 20, '0') || '","emstream":"' || v_stream || '"';
        IF v_now - e.created_at > interval '1 second' THEN
            v_number := v_number || ',"recordedtime":"' || to_char(v_now AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"';
        END IF;
        v_value := substr(e.envelope, 1, v_at - 1) || convert_to(v_number, 'UTF8') || substr(e.envelope, v_at);
        v_link := sha256(v_link || v_value);
        v_seq := v_seq || e.seq; v_created_at := v_created_at || e.created_at; v_hash := v_hash || v_link;
        types := types || e.type;
    END LOOP;
    -- what was seen without the lock has its number meanwhile: the states are published again by another session of this leader
    IF NOT FOUND THEN
        is_any := false;
        RETURN NEXT;
        RETURN;
    END IF;
    DELETE FROM event_pending p WHERE p.seq = ANY (v_seq);
    INSERT INTO event_position (pos, seq, created_at, emstream, recorded_at, hash)
    SELECT v_first + n.place, n.seq, n.created_at, v_stream, v_now, n.hash
    FROM unnest(v_seq, v_created_at, v_hash) WITH ORDINALITY AS n (seq, created_at, hash, place);
    UPDATE event_stream s SET last_pos = last, confirmed_pos = greatest(s.confirmed_pos, least(p_confirmed, v_first));
    RETURN NEXT;
END $$;
COMMENT ON FUNCTION number_pending_events IS
    'numbers the oldest events that have no number, as event/envelope.rs writes them and event/chain.rs links them; no row: another node leads';
