-- Names that nobody has are counted and locked like those of accounts, so that neither time nor a text that tells of a lock says which
-- names exist (security.md HASH-2). Keys are made with the pepper: people type PINs where the name belongs. charge_nobody stays for
-- binaries before this one.
CREATE TABLE absent_accounts (
    key          bytea PRIMARY KEY,
    failed       integer NOT NULL,
    failed_at    timestamptz NOT NULL,
    locked_until timestamptz
) WITH (fillfactor = 50);
COMMENT ON TABLE absent_accounts IS 'failed attempts on names that nobody has, by a keyed digest of the name; old ones are dropped';

-- Counts an attempt like charge_attempt and says whether it locks; no row while it is locked.
CREATE FUNCTION charge_absent(p_key bytea, p_now timestamptz, p_most integer, p_reset integer, p_lock integer)
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
COMMENT ON FUNCTION charge_absent IS 'counts an attempt on a name that nobody has, as charge_attempt does for accounts';

-- Counts that say nothing any more: a day is the longest lock and longer than any reset. A lock without end is forgotten with them.
CREATE FUNCTION drop_absent_accounts(p_now timestamptz, p_most integer) RETURNS integer LANGUAGE sql VOLATILE AS $$
    WITH dropped AS (
        DELETE FROM absent_accounts x WHERE x.key IN (
            SELECT y.key FROM absent_accounts y WHERE y.failed_at < p_now - interval '1 day' LIMIT p_most)
        RETURNING 1)
    SELECT count(*)::integer FROM dropped
$$;
