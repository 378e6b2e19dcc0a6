-- Writes what an administrator has decided about a credential, whether there is a secret yet or not; p_forget takes the failed attempts
-- back, and the lock that they led to. Says 'locked' where an administrator's lock begins, 'unlocked' where a lock ends by this.
CREATE FUNCTION decide_credential(p_holder bigint, p_kind text, p_policy bigint, p_cant_change boolean, p_must_change boolean,
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
COMMENT ON FUNCTION decide_credential IS 'writes what is decided about a credential, and says whether that locks or unlocks it';

CREATE FUNCTION finite_moment(p_moment timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN isfinite(p_moment) THEN p_moment END
$$;
COMMENT ON FUNCTION finite_moment IS 'a moment, and nothing for the end of time';

-- PINs whose time is over and of which nobody has been told.
CREATE INDEX credentials_by_age ON credentials (changed_at) WHERE kind = 'pin' AND NOT never_expires AND NOT expiry_told;
