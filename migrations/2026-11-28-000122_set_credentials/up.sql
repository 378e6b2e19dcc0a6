-- Stores a new secret and remembers the one before it. p_version is null where somebody else sets it; its holder changes the version that
-- was checked, while it is not locked and may be changed, and does with it what an administrator has asked for. No failed attempts are
-- left; a lock by an administrator stays. False: what the holder changes is not there any more.
CREATE FUNCTION set_credential(p_holder bigint, p_kind text, p_hash text, p_pepper text, p_now timestamptz, p_version bigint)
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
COMMENT ON FUNCTION set_credential IS 'stores a new PIN or password, by its holder or by somebody else, and keeps the old one in the history';
