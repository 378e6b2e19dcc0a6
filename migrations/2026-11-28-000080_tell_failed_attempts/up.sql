-- A success that is remembered takes back the failed attempts before it, so that who reads an account must see that there are some.
DROP FUNCTION find_accounts(text[], uuid[], boolean[], text[], timestamptz);

-- p_now is null where the server's clock counts.
CREATE FUNCTION find_accounts(p_key text[], p_uuid uuid[], p_programs boolean[], p_credential text[], p_now timestamptz)
RETURNS TABLE (place bigint, pk bigint, type text, uuid uuid, name text, groups text[], version bigint, locked boolean,
    has_failed boolean, read_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT a.place, o.pk, o.type, o.uuid, o.name,
        ARRAY(SELECT g.name FROM associations x JOIN objects g ON g.pk = x.target_pk
            WHERE x.holder_pk = o.pk AND x.kind = 'group' ORDER BY x.position),
        c.version, coalesce(c.locked_until > n.now, false), coalesce(c.failed > 0, false), n.now
    FROM (SELECT coalesce(p_now, clock_timestamp()) AS now OFFSET 0) n
    CROSS JOIN unnest(p_key, p_uuid, p_programs, p_credential) WITH ORDINALITY AS a (key, uuid, programs, credential, place)
    CROSS JOIN LATERAL (
        SELECT y.pk, y.type, y.uuid, y.name FROM objects y
        WHERE y.type IN ('AppUser', 'User') AND y.name_key = a.key AND (a.programs OR y.type = 'User')
        UNION ALL
        SELECT y.pk, y.type, y.uuid, y.name FROM objects y
        WHERE y.uuid = a.uuid AND y.type IN ('AppUser', 'User') AND (a.programs OR y.type = 'User')
        ORDER BY 2 LIMIT 1) o
    LEFT JOIN credentials c ON c.holder_pk = o.pk AND c.kind = a.credential
$$;
COMMENT ON FUNCTION find_accounts IS 'accounts by folded user id or by uuid, each with the state of one credential; a program goes before a person of the same id';
