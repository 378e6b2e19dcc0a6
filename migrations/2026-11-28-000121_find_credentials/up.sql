-- What a check of a secret needs to know, in one statement: the account, the state of its credential, the rules for it and the service
-- parameters about credentials that are set. find_accounts stays for binaries before this one.
-- A row for each place, with nothing but the place, the moment and the parameters where there is no such account. p_now is null where the
-- server's clock counts.
CREATE FUNCTION find_credentials(p_key text[], p_uuid uuid[], p_programs boolean[], p_credential text[], p_now timestamptz)
RETURNS TABLE (place bigint, read_at timestamptz, parameters jsonb, pk bigint, type text, uuid uuid, name text, groups text[],
    version bigint, locked boolean, has_failed boolean, cant_change boolean, must_change boolean, never_expires boolean,
    changed_at timestamptz, used_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT a.place, n.now, p.set, o.pk, o.type, o.uuid, o.name,
        ARRAY(SELECT g.name FROM associations x JOIN objects g ON g.pk = x.target_pk
            WHERE x.holder_pk = o.pk AND x.kind = 'group' ORDER BY x.position),
        c.version, coalesce(c.locked_until > n.now, false), coalesce(c.failed > 0, false),
        c.cant_change, c.must_change, c.never_expires, c.changed_at, c.used_at
    FROM (SELECT coalesce(p_now, clock_timestamp()) AS now OFFSET 0) n
    CROSS JOIN (SELECT jsonb_object_agg(sp.name, sp.value) AS set
        FROM objects y JOIN service_parameters sp ON sp.node_pk = y.pk
        WHERE y.type = 'ProcessNode' AND y.name_key = 'enterprisewidedata' AND sp.value IS NOT NULL
        AND (sp.name LIKE 'Pin%' OR sp.name LIKE 'Password%') OFFSET 0) p
    CROSS JOIN unnest(p_key, p_uuid, p_programs, p_credential) WITH ORDINALITY AS a (key, uuid, programs, credential, place)
    LEFT JOIN LATERAL (
        SELECT y.pk, y.type, y.uuid, y.name FROM objects y
        WHERE y.type IN ('AppUser', 'User') AND y.name_key = a.key AND (a.programs OR y.type = 'User')
        UNION ALL
        SELECT y.pk, y.type, y.uuid, y.name FROM objects y
        WHERE y.uuid = a.uuid AND y.type IN ('AppUser', 'User') AND (a.programs OR y.type = 'User')
        ORDER BY 2 LIMIT 1) o ON true
    LEFT JOIN credentials c ON c.holder_pk = o.pk AND c.kind = a.credential AND c.hash IS NOT NULL
$$;
COMMENT ON FUNCTION find_credentials IS 'accounts by folded user id or by uuid, each with one credential; a program goes before a person of the same id';

-- A credential without a secret cannot be checked.
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
