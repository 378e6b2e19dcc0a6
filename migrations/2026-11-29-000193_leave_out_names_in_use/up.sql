-- Names that nobody has are left out of the statement like accounts, where somebody else is writing them or they come twice: an attempt
-- that is written alone says nothing of whether somebody has the name. Only the first counts of a name may still wait for each other.
CREATE OR REPLACE FUNCTION write_attempts(p_now timestamptz, p_task text[], p_holder bigint[], p_kind text[], p_version bigint[],
    p_used_at timestamptz[], p_key bytea[], p_most integer[], p_reset integer[], p_lock integer[])
RETURNS TABLE (place bigint, hash text, pepper_id text, version bigint, locks boolean) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := coalesce(p_now, clock_timestamp());
    v_absent record;
BEGIN
    IF 'settle' = ANY (p_task) THEN
        RETURN QUERY
        WITH asked AS (
            SELECT DISTINCT ON (f.holder, f.kind) f.place, f.holder, f.kind, f.version, f.used_at
            FROM unnest(p_task, p_holder, p_kind, p_version, p_used_at) WITH ORDINALITY AS f (task, holder, kind, version, used_at, place)
            WHERE f.task = 'settle' ORDER BY f.holder, f.kind, f.place
        ), held AS (
            SELECT a.place, a.used_at, c.holder_pk, c.kind
            FROM asked a JOIN credentials c ON c.holder_pk = a.holder AND c.kind = a.kind
            WHERE c.version = a.version AND c.admin_locked_at IS NULL AND c.locked_until IS NULL
            FOR NO KEY UPDATE OF c SKIP LOCKED
        )
        UPDATE credentials x SET failed = 0, failed_at = NULL, used_at = n.used_at
        FROM held n WHERE x.holder_pk = n.holder_pk AND x.kind = n.kind
        RETURNING n.place, NULL::text, NULL::text, NULL::bigint, NULL::boolean;
    END IF;
    IF 'charge' = ANY (p_task) OR 'absent' = ANY (p_task) THEN
        -- both statements run for either, so that time does not tell one from the other
        RETURN QUERY
        WITH asked AS (
            SELECT DISTINCT ON (f.holder, f.kind) f.place, f.holder, f.kind, f.most, f.reset, f.lock
            FROM unnest(p_task, p_holder, p_kind, p_most, p_reset, p_lock) WITH ORDINALITY AS f (task, holder, kind, most, reset, lock, place)
            WHERE f.task = 'charge' ORDER BY f.holder, f.kind, f.place
        ), held AS (
            SELECT a.place, a.most, a.lock, c.holder_pk, c.kind,
                CASE WHEN c.locked_until IS NOT NULL OR c.failed_at <= v_now - make_interval(secs => a.reset) THEN 1
                    ELSE c.failed + 1 END AS failed
            FROM asked a JOIN credentials c ON c.holder_pk = a.holder AND c.kind = a.kind
            FOR NO KEY UPDATE OF c SKIP LOCKED
        ), charged AS (
            UPDATE credentials x SET
                failed = n.failed,
                failed_at = v_now,
                locked_until = CASE WHEN n.most > 0 AND n.failed >= n.most THEN
                    CASE WHEN n.lock = 0 THEN 'infinity' ELSE v_now + make_interval(secs => n.lock) END END
            FROM held n
            WHERE x.holder_pk = n.holder_pk AND x.kind = n.kind AND (x.locked_until IS NULL OR x.locked_until <= v_now)
                AND x.admin_locked_at IS NULL AND x.hash IS NOT NULL
            RETURNING n.place, x.holder_pk, x.kind, x.hash, x.pepper_id, x.version, x.locked_until IS NOT NULL AS locks
        ), noted AS (
            INSERT INTO untold_locks (holder_pk, kind, locked_at) SELECT c.holder_pk, c.kind, v_now FROM charged c WHERE c.locks
            ON CONFLICT DO NOTHING
        )
        SELECT n.place, c.hash, c.pepper_id, c.version, c.locks FROM held n LEFT JOIN charged c ON c.place = n.place;
        -- in the order of their keys: two nodes that begin to count the same names wait for each other in one direction only
        FOR v_absent IN
            SELECT DISTINCT ON (f.key) f.place, f.key, f.most, f.reset, f.lock
            FROM unnest(p_task, p_key, p_most, p_reset, p_lock) WITH ORDINALITY AS f (task, key, most, reset, lock, place)
            WHERE f.task = 'absent' ORDER BY f.key, f.place
        LOOP
            PERFORM 1 FROM absent_accounts x WHERE x.key = v_absent.key FOR NO KEY UPDATE SKIP LOCKED;
            CONTINUE WHEN NOT FOUND AND EXISTS (SELECT 1 FROM absent_accounts x WHERE x.key = v_absent.key);
            place := v_absent.place;
            locks := (SELECT c.locks FROM charge_absent(v_absent.key, v_now, v_absent.most, v_absent.reset, v_absent.lock) c);
            RETURN NEXT;
        END LOOP;
    END IF;
END $$;
