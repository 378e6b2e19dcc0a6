CREATE OR REPLACE FUNCTION charge_attempt(p_holder bigint, p_kind text, p_now timestamptz, p_most integer, p_reset integer, p_lock integer)
RETURNS TABLE (hash text, pepper_id text, version bigint, locks boolean) LANGUAGE sql VOLATILE AS $$
    WITH charged AS (
        UPDATE credentials x SET
            failed = n.failed,
            failed_at = p_now,
            locked_until = CASE WHEN p_most > 0 AND n.failed >= p_most THEN
                CASE WHEN p_lock = 0 THEN 'infinity' ELSE p_now + make_interval(secs => p_lock) END END
        FROM (SELECT c.holder_pk, c.kind, CASE
                WHEN c.locked_until IS NOT NULL OR c.failed_at <= p_now - make_interval(secs => p_reset) THEN 1
                ELSE c.failed + 1 END AS failed
            FROM credentials c WHERE c.holder_pk = p_holder AND c.kind = p_kind FOR NO KEY UPDATE) n
        WHERE x.holder_pk = n.holder_pk AND x.kind = n.kind AND (x.locked_until IS NULL OR x.locked_until <= p_now)
            AND x.hash IS NOT NULL
        RETURNING x.hash, x.pepper_id, x.version, x.locked_until IS NOT NULL AS locks
    ), noted AS (
        INSERT INTO untold_locks (holder_pk, kind, locked_at) SELECT p_holder, p_kind, p_now FROM charged c WHERE c.locks
        ON CONFLICT DO NOTHING
    )
    SELECT c.hash, c.pepper_id, c.version, c.locks FROM charged c
$$;

CREATE OR REPLACE FUNCTION charge_absent(p_key bytea, p_now timestamptz, p_most integer, p_reset integer, p_lock integer)
RETURNS TABLE (locks boolean) LANGUAGE sql VOLATILE AS $$
    INSERT INTO absent_accounts AS x (key, failed, failed_at, locked_until) VALUES (p_key, 1, p_now,
        CASE WHEN p_most = 1 THEN CASE WHEN p_lock = 0 THEN 'infinity' ELSE p_now + make_interval(secs => p_lock) END END)
    ON CONFLICT (key) DO UPDATE SET
        failed = CASE WHEN x.locked_until IS NOT NULL OR x.failed_at <= p_now - make_interval(secs => p_reset) THEN 1
            ELSE x.failed + 1 END,
        failed_at = p_now,
        locked_until = CASE WHEN p_most > 0 AND p_most <= CASE
                WHEN x.locked_until IS NOT NULL OR x.failed_at <= p_now - make_interval(secs => p_reset) THEN 1
                ELSE x.failed + 1 END THEN
            CASE WHEN p_lock = 0 THEN 'infinity' ELSE p_now + make_interval(secs => p_lock) END END
        WHERE x.locked_until IS NULL OR x.locked_until <= p_now
    RETURNING x.locked_until IS NOT NULL
$$;
