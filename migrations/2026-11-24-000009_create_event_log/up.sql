-- The key must not be cached per session: an uncached key plus row locks makes key order agree with lock order.
CREATE SEQUENCE event_log_seq AS bigint CACHE 1;

CREATE TABLE event_log (
    seq        bigint NOT NULL DEFAULT nextval('event_log_seq'),
    created_at timestamptz NOT NULL,
    id         uuid NOT NULL,
    type       text NOT NULL,
    topic      text NOT NULL,
    key        text NOT NULL,
    envelope   json NOT NULL,
    states     json,
    CONSTRAINT one_row_per_event PRIMARY KEY (created_at, seq),
    CONSTRAINT event_fits_in_a_record CHECK (octet_length(envelope::text) <= 65408),
    CONSTRAINT event_has_a_key CHECK (key <> '')
) PARTITION BY RANGE (created_at);
ALTER SEQUENCE event_log_seq OWNED BY event_log.seq;
COMMENT ON TABLE event_log IS 'every event of the cluster, append only, partitioned by day; also the audit trail';
COMMENT ON COLUMN event_log.seq IS 'order of insertion, visible out of order: never read "greater than the last"';
COMMENT ON COLUMN event_log.created_at IS 'the moment of the transaction, the same for all its events';
COMMENT ON COLUMN event_log.topic IS 'topic under the default prefix em.';
COMMENT ON COLUMN event_log.envelope IS 'kept as written; sequence, emstream and recordedtime are added when the event is numbered';
COMMENT ON COLUMN event_log.states IS 'state records that follow the event: array of { topic, key, envelope or null }';

-- Rows of a day whose partition does not exist (clock jumps, manual clocks): an insert never fails for want of a partition.
CREATE TABLE event_log_other PARTITION OF event_log DEFAULT;
COMMENT ON TABLE event_log_other IS 'events of days that had no partition when they happened';

CREATE TABLE event_pending (
    seq        bigint NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT one_pending_row_per_event PRIMARY KEY (seq)
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_insert_threshold = -1,
    autovacuum_analyze_threshold = 1000000, autovacuum_analyze_scale_factor = 0.0,
    autovacuum_vacuum_cost_delay = 0
);
COMMENT ON TABLE event_pending IS 'events that have no number yet; the sequencer deletes them in order of seq';

CREATE TABLE event_position (
    pos         bigint NOT NULL,
    seq         bigint NOT NULL,
    created_at  timestamptz NOT NULL,
    emstream    text NOT NULL,
    recorded_at timestamptz NOT NULL,
    hash        bytea NOT NULL,
    CONSTRAINT one_event_per_position PRIMARY KEY (pos),
    CONSTRAINT one_position_per_event UNIQUE (seq),
    CONSTRAINT hash_is_sha256 CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE event_position IS 'the number line: gapless, strictly increasing';
COMMENT ON COLUMN event_position.recorded_at IS 'when the number was given';
COMMENT ON COLUMN event_position.hash IS 'SHA-256(hash of the previous position || published value)';

CREATE TABLE event_stream (
    only_row      boolean NOT NULL DEFAULT true,
    emstream      text NOT NULL,
    last_pos      bigint NOT NULL DEFAULT 0,
    confirmed_pos bigint NOT NULL DEFAULT 0,
    leader_epoch  bigint NOT NULL DEFAULT 0,
    CONSTRAINT one_event_stream PRIMARY KEY (only_row),
    CONSTRAINT one_event_stream_only CHECK (only_row),
    CONSTRAINT confirmed_was_numbered CHECK (confirmed_pos <= last_pos)
);
COMMENT ON TABLE event_stream IS 'the one number line of the cluster and how far it has been published';
COMMENT ON COLUMN event_stream.leader_epoch IS 'raised by every node that becomes publisher; a former one sees it and stops';
INSERT INTO event_stream (emstream)
VALUES (translate(substr(encode(uuid_send(gen_random_uuid()), 'base64'), 1, 8), '+/', 'Aa'));

CREATE FUNCTION append_events(
    p_now timestamptz, e_id uuid[], e_type text[], e_topic text[], e_key text[], e_envelope text[]
) RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
DECLARE n integer;
BEGIN
    WITH appended AS (
        INSERT INTO event_log (created_at, id, type, topic, key, envelope)
        SELECT p_now, e.id, e.type, e.topic, e.key, e.envelope::json
        FROM unnest(e_id, e_type, e_topic, e_key, e_envelope) WITH ORDINALITY AS e (id, type, topic, key, envelope, place)
        ORDER BY e.place
        RETURNING seq, created_at
    )
    INSERT INTO event_pending (seq, created_at) SELECT seq, created_at FROM appended;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
COMMENT ON FUNCTION append_events IS 'appends the events of one transaction in the order of the arrays';

CREATE FUNCTION ensure_event_partitions(p_today date, p_days integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE d date; name text; made integer := 0;
BEGIN
    -- not today's: an insert that is on its way to event_log_other while a partition takes its day over is refused
    FOR i IN 1..p_days LOOP
        d := p_today + i;
        name := 'event_log_' || to_char(d, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        CONTINUE WHEN EXISTS (SELECT FROM event_log_other WHERE created_at >= d::timestamp AT TIME ZONE 'UTC'
            AND created_at < (d + 1)::timestamp AT TIME ZONE 'UTC');
        EXECUTE format('CREATE TABLE %I (LIKE event_log INCLUDING ALL)', name);
        EXECUTE format('ALTER TABLE event_log ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            name, d || ' 00:00:00+00', (d + 1) || ' 00:00:00+00');
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
COMMENT ON FUNCTION ensure_event_partitions IS 'makes the partitions of the days ahead; leaves out a day that event_log_other already holds rows of';
