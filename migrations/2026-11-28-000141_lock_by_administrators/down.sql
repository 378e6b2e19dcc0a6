CREATE OR REPLACE FUNCTION find_credentials(p_key text[], p_uuid uuid[], p_programs boolean[], p_credential text[], p_now timestamptz)
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

CREATE OR REPLACE FUNCTION charge_attempt(p_holder bigint, p_kind text, p_now timestamptz, p_most integer, p_reset integer, p_lock integer)
RETURNS TABLE (hash text, pepper_id text, version bigint, locks boolean) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
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
    SELECT c.hash, c.pepper_id, c.version, c.locks FROM charged c;
END $$;

CREATE OR REPLACE FUNCTION set_credential(p_holder bigint, p_kind text, p_hash text, p_pepper text, p_now timestamptz, p_version bigint)
RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_now credentials%ROWTYPE;
BEGIN
    SELECT * INTO v_now FROM credentials c WHERE c.holder_pk = p_holder AND c.kind = p_kind FOR NO KEY UPDATE;
    IF p_version IS NOT NULL AND (v_now.version IS DISTINCT FROM p_version OR v_now.cant_change OR v_now.locked_until > p_now) THEN
        RETURN false;
    END IF;
    IF v_now.hash IS NOT NULL THEN
        INSERT INTO credential_history (holder_pk, kind, version, hash, pepper_id)
            VALUES (p_holder, p_kind, v_now.version, v_now.hash, v_now.pepper_id);
        DELETE FROM credential_history h WHERE h.holder_pk = p_holder AND h.kind = p_kind AND h.version <= v_now.version - 25;
    END IF;
    INSERT INTO credentials AS x (holder_pk, kind, hash, pepper_id, changed_at, used_at)
        VALUES (p_holder, p_kind, p_hash, p_pepper, p_now, p_now)
        ON CONFLICT (holder_pk, kind) DO UPDATE SET hash = p_hash, pepper_id = p_pepper, changed_at = p_now, used_at = p_now,
            version = x.version + 1, failed = 0, failed_at = NULL, expiry_told = false,
            must_change = x.must_change AND p_version IS NULL,
            locked_until = CASE WHEN x.admin_locked_at IS NOT NULL THEN x.locked_until END;
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION decide_credential(p_holder bigint, p_kind text, p_policy bigint, p_cant_change boolean, p_must_change boolean,
    p_never_expires boolean, p_locked boolean, p_forget boolean, p_now timestamptz)
RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_was credentials%ROWTYPE; v_is_locked boolean;
BEGIN
    SELECT * INTO v_was FROM credentials c WHERE c.holder_pk = p_holder AND c.kind = p_kind FOR NO KEY UPDATE;
    INSERT INTO credentials AS x (holder_pk, kind, policy_pk, cant_change, must_change, never_expires, admin_locked_at, locked_until)
        VALUES (p_holder, p_kind, p_policy, p_cant_change, p_must_change, p_never_expires,
            CASE WHEN p_locked THEN p_now END, CASE WHEN p_locked THEN 'infinity'::timestamptz END)
        ON CONFLICT (holder_pk, kind) DO UPDATE SET policy_pk = p_policy, cant_change = p_cant_change, must_change = p_must_change,
            never_expires = p_never_expires,
            admin_locked_at = CASE WHEN p_locked THEN coalesce(x.admin_locked_at, p_now) END,
            locked_until = CASE WHEN p_locked THEN 'infinity' WHEN p_forget OR x.admin_locked_at IS NOT NULL THEN NULL
                ELSE x.locked_until END,
            failed = CASE WHEN p_forget THEN 0 ELSE x.failed END,
            failed_at = CASE WHEN p_forget THEN NULL ELSE x.failed_at END,
            used_at = CASE WHEN p_forget THEN p_now ELSE x.used_at END
        RETURNING coalesce(x.locked_until > p_now, false) INTO v_is_locked;
    RETURN CASE WHEN p_locked AND v_was.admin_locked_at IS NULL THEN 'locked'
        WHEN v_was.locked_until > p_now AND NOT v_is_locked THEN 'unlocked' END;
END $$;

UPDATE credentials SET locked_until = 'infinity' WHERE admin_locked_at IS NOT NULL;
ALTER TABLE credentials ADD CONSTRAINT admin_lock_is_a_lock CHECK (admin_locked_at IS NULL OR locked_until = 'infinity');
