-- The log is kept for a while. What goes is a beginning of the number line: first its numbers, then the partitions that hold nothing else.
CREATE FUNCTION first_kept_event(p_before timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT least(s.last_pos, s.confirmed_pos + 1,
        (SELECT p.pos FROM event_position p WHERE p.created_at >= p_before ORDER BY p.pos LIMIT 1))
    FROM event_stream s
$$;
COMMENT ON FUNCTION first_kept_event IS 'below this number everything is confirmed and older than the moment; the newest event is always kept';

CREATE FUNCTION drop_event_positions(p_below bigint, p_most integer) RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
DECLARE n integer;
BEGIN
    DELETE FROM event_position WHERE pos IN (
        SELECT p.pos FROM event_position p WHERE p.pos < p_below ORDER BY p.pos LIMIT p_most);
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
COMMENT ON FUNCTION drop_event_positions IS 'drops the beginning of the number line, so many numbers at most';

CREATE FUNCTION detach_old_event_partition(p_before timestamptz, p_first_kept bigint) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_name text; v_from timestamptz; v_to timestamptz; v_seq bigint[]; v_created_at timestamptz[];
BEGIN
    FOR v_name, v_from IN
        SELECT c.relname::text, to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC'
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'event_log'::regclass AND c.relname ~ '^event_log_\d{8}$'
        ORDER BY c.relname
    LOOP
        v_to := v_from + interval '24 hours';
        EXIT WHEN v_to > p_before;
        CONTINUE WHEN EXISTS (SELECT FROM event_pending q WHERE q.created_at >= v_from AND q.created_at < v_to);
        CONTINUE WHEN EXISTS (SELECT FROM event_position p, event_stream s
            WHERE p.pos > s.confirmed_pos AND p.created_at >= v_from AND p.created_at < v_to);
        -- an event that got its number among those of a later day stays, so that the line has no hole
        SELECT array_agg(p.seq), array_agg(p.created_at) INTO v_seq, v_created_at FROM event_position p
        WHERE p.pos >= p_first_kept AND p.created_at >= v_from AND p.created_at < v_to;
        -- from here to the commit writers of events wait, so it must be short or not be at all
        PERFORM set_config('lock_timeout', '100ms', true);
        EXECUTE format('ALTER TABLE event_log DETACH PARTITION %I', v_name);
        IF v_seq IS NOT NULL THEN
            EXECUTE format('INSERT INTO event_log SELECT l.* FROM unnest($1, $2) AS k (seq, created_at) JOIN %I l USING (created_at, seq)',
                v_name) USING v_seq, v_created_at;
        END IF;
        RETURN v_name;
    END LOOP;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION detach_old_event_partition IS 'detaches the oldest partition that may go; null: none';

CREATE FUNCTION drop_detached_event_partitions(p_before timestamptz) RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_name text; n integer := 0;
BEGIN
    FOR v_name IN
        SELECT c.relname::text FROM pg_class c
        WHERE c.relkind = 'r' AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
          AND c.relname ~ '^event_log_\d{8}$'
          AND (to_date(right(c.relname, 8), 'YYYYMMDD') + 1)::timestamp AT TIME ZONE 'UTC' <= p_before
    LOOP
        EXECUTE format('DROP TABLE %I', v_name);
        n := n + 1;
    END LOOP;
    RETURN n;
END $$;
COMMENT ON FUNCTION drop_detached_event_partitions IS 'drops what was detached, also by a node that died after that';

CREATE FUNCTION drop_other_events(p_before timestamptz, p_most integer) RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
DECLARE n integer;
BEGIN
    DELETE FROM event_log_other WHERE ctid = ANY (ARRAY(
        SELECT l.ctid FROM event_log_other l
        WHERE l.created_at < p_before
          AND NOT EXISTS (SELECT FROM event_position p WHERE p.seq = l.seq)
          AND NOT EXISTS (SELECT FROM event_pending q WHERE q.seq = l.seq)
        LIMIT p_most));
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
COMMENT ON FUNCTION drop_other_events IS 'drops events of days without a partition whose numbers have gone';
