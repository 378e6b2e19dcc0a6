-- Settings that decide what a phone shows, out of all that an object carries.
CREATE FUNCTION shown_settings(p_carried jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jsonb_build_object(
        'userLocale', p_carried -> 'userLocale',
        'addOnModules', p_carried -> 'addOnModules',
        'services', CASE WHEN p_carried #> '{services,service,0}' IS NOT NULL THEN '{"service": [{}]}'::jsonb END)
$$;

-- The lines on the buttons of phones and profiles, as rows of kind 6 of lock_and_read.
CREATE FUNCTION presented_lines(p_owners bigint[])
RETURNS TABLE (kind smallint, a bigint, b bigint, c bigint, flag boolean, num integer,
    t1 text, t2 text, t3 text, t4 text, u uuid, v uuid, ts timestamptz, ts2 timestamptz, doc jsonb)
LANGUAGE sql STABLE AS $$
    SELECT 6::smallint, la.owner_pk, l.pk, l.default_device_pk, l.usage = 'Device Intercom', la.index,
        l.pattern, pt.name, la.settings ->> 'label', rp.name, o.uuid, NULL::uuid, NULL::timestamptz, NULL::timestamptz,
        CASE WHEN la.settings ->> 'recordingFlag' IS NOT NULL THEN jsonb_build_object(
            'flag', la.settings -> 'recordingFlag', 'media', la.settings -> 'recordingMediaSource') END
    FROM line_appearances la JOIN lines l ON l.pk = la.line_pk JOIN objects o ON o.pk = l.pk
    LEFT JOIN objects pt ON pt.pk = l.partition_pk
    LEFT JOIN objects rp ON rp.pk = (la.settings -> 'recordingProfileName' ->> 'ref')::bigint
    WHERE la.owner_pk = ANY (p_owners)
$$;
COMMENT ON FUNCTION presented_lines IS 'lines on the buttons of phones and profiles with their labels and recording';

-- Locks what a batch of logins and logouts may change, in the one order (users, profiles, phones, intercom lines), each table in a
-- statement of its own, and reads it after the last lock. Columns mean different things by kind; store/snapshot.rs names them.
CREATE FUNCTION lock_and_read(p_users bigint[], p_profiles bigint[], p_phones bigint[], p_out bigint[])
RETURNS TABLE (kind smallint, a bigint, b bigint, c bigint, flag boolean, num integer,
    t1 text, t2 text, t3 text, t4 text, u uuid, v uuid, ts timestamptz, ts2 timestamptz, doc jsonb)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    v_parameters jsonb; v_behaviour text;
    v_users bigint[]; v_phones bigint[]; v_leaving bigint[]; v_profiles bigint[]; v_owners bigint[]; v_controlled bigint[];
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7304100);             -- whoever changes the policy takes it exclusively
    SELECT jsonb_object_agg(sp.name, sp.value) INTO v_parameters
        FROM objects o JOIN service_parameters sp ON sp.node_pk = o.pk
        WHERE o.type = 'ProcessNode' AND o.name_key = 'enterprisewidedata';
    v_behaviour := coalesce(v_parameters ->> 'MultipleLoginBehavior', 'Multiple Logins Not Allowed');

    v_users := p_users;
    IF p_out <> '{}' THEN                                      -- who is on the phones to be logged out: a guess, the caller checks it
        v_users := v_users || ARRAY(SELECT s.user_pk FROM sessions s WHERE s.phone_pk = ANY (p_out));
    END IF;
    PERFORM FROM users x WHERE x.pk = ANY (v_users) ORDER BY x.pk FOR NO KEY UPDATE;
    IF p_profiles <> '{}' THEN
        PERFORM FROM device_profiles x WHERE x.pk = ANY (p_profiles) ORDER BY x.pk FOR NO KEY UPDATE;
    END IF;
    v_leaving := p_out;
    IF v_behaviour = 'Auto Logout' THEN                        -- the phones to be displaced, known only now
        v_leaving := v_leaving || ARRAY(SELECT s.phone_pk FROM sessions s WHERE s.user_pk = ANY (p_users));
    END IF;
    v_phones := p_phones || v_leaving;
    PERFORM FROM phones x WHERE x.pk = ANY (v_phones) ORDER BY x.pk FOR NO KEY UPDATE;
    v_profiles := p_profiles || ARRAY(
        SELECT x.target_pk FROM associations x WHERE x.holder_pk = ANY (p_users) AND x.kind = 'profile');
    IF v_profiles <> '{}' THEN
        PERFORM FROM lines x WHERE x.usage = 'Device Intercom' AND x.pk IN (
            SELECT la.line_pk FROM line_appearances la WHERE la.owner_pk = ANY (v_profiles)) ORDER BY x.pk FOR NO KEY UPDATE;
    END IF;

    RETURN QUERY SELECT 0::smallint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::boolean, NULL::integer,
        NULL::text, NULL::text, NULL::text, NULL::text, NULL::uuid, NULL::uuid, clock_timestamp(), NULL::timestamptz,
        jsonb_build_object('parameters', v_parameters, 'locked', to_jsonb(v_users));
    RETURN QUERY SELECT 1::smallint, x.pk, x.default_profile_pk, cr.version,
        coalesce(up.carried ->> 'allowProvisionEMMaxLoginTime' = 'true', false), x.max_login_seconds,
        o.name, o.carried ->> 'userLocale', NULL::text, NULL::text, o.uuid, NULL::uuid, NULL::timestamptz, NULL::timestamptz, NULL::jsonb
        FROM users x JOIN objects o ON o.pk = x.pk
        LEFT JOIN credentials cr ON cr.holder_pk = x.pk AND cr.kind = 'pin'
        LEFT JOIN objects up ON up.pk = (o.carried -> 'userProfile' ->> 'ref')::bigint
        WHERE x.pk = ANY (p_users);
    RETURN QUERY SELECT 2::smallint, x.pk, x.logout_profile_pk, d.pk, x.em_enabled, (coalesce(m.has_services, true))::integer,
        o.name, x.model, x.protocol, lo.name, o.uuid, NULL::uuid, NULL::timestamptz, NULL::timestamptz,
        jsonb_build_object('phone', shown_settings(o.carried), 'defaultName', dob.name, 'default', shown_settings(dob.carried))
        FROM phones x JOIN objects o ON o.pk = x.pk
        LEFT JOIN phone_models m ON m.model = x.model
        LEFT JOIN objects lo ON lo.pk = x.logout_profile_pk
        LEFT JOIN default_profiles d ON d.model = x.model AND d.protocol = x.protocol
        LEFT JOIN objects dob ON dob.pk = d.pk
        WHERE x.pk = ANY (v_phones);
    RETURN QUERY SELECT 3::smallint, s.phone_pk, s.user_pk, s.profile_pk, s.exclusive, NULL::integer,
        ph.name, us.name, pr.name, dp.model, s.session_id, us.uuid, s.started_at, s.expires_at, to_jsonb(pr.uuid::text)
        FROM sessions s JOIN objects ph ON ph.pk = s.phone_pk JOIN objects us ON us.pk = s.user_pk
        JOIN objects pr ON pr.pk = s.profile_pk JOIN device_profiles dp ON dp.pk = s.profile_pk
        WHERE s.phone_pk = ANY (v_phones);
    IF v_behaviour = 'Multiple Logins Not Allowed' THEN        -- where else the users are
        RETURN QUERY SELECT 3::smallint, s.phone_pk, s.user_pk, s.profile_pk, s.exclusive, NULL::integer,
            ph.name, us.name, pr.name, dp.model, s.session_id, us.uuid, s.started_at, s.expires_at, to_jsonb(pr.uuid::text)
            FROM sessions s JOIN objects ph ON ph.pk = s.phone_pk JOIN objects us ON us.pk = s.user_pk
            JOIN objects pr ON pr.pk = s.profile_pk JOIN device_profiles dp ON dp.pk = s.profile_pk
            WHERE s.user_pk = ANY (p_users) AND NOT (s.phone_pk = ANY (v_phones));
    END IF;
    RETURN QUERY SELECT 4::smallint, x.holder_pk, x.target_pk, NULL::bigint, NULL::boolean, x.position,
        NULL::text, NULL::text, NULL::text, NULL::text, NULL::uuid, NULL::uuid, NULL::timestamptz, NULL::timestamptz, NULL::jsonb
        FROM associations x WHERE x.holder_pk = ANY (p_users) AND x.kind = 'profile' ORDER BY x.holder_pk, x.position;
    RETURN QUERY SELECT 5::smallint, x.pk, NULL::bigint, NULL::bigint, NULL::boolean, NULL::integer,
        o.name, x.model, x.protocol, NULL::text, o.uuid, NULL::uuid, NULL::timestamptz, NULL::timestamptz, shown_settings(o.carried)
        FROM device_profiles x JOIN objects o ON o.pk = x.pk WHERE x.pk = ANY (v_profiles);
    v_owners := v_profiles || ARRAY(
        SELECT coalesce(x.logout_profile_pk, x.pk) FROM phones x WHERE x.pk = ANY (v_leaving));
    RETURN QUERY SELECT * FROM presented_lines(v_owners);
    v_controlled := v_profiles || v_phones || ARRAY(SELECT s.profile_pk FROM sessions s WHERE s.phone_pk = ANY (v_leaving));
    RETURN QUERY SELECT 7::smallint, x.target_pk, NULL::bigint, NULL::bigint, NULL::boolean, NULL::integer,
        o.name, NULL::text, NULL::text, NULL::text, NULL::uuid, NULL::uuid, NULL::timestamptz, NULL::timestamptz, NULL::jsonb
        FROM associations x JOIN app_users au ON au.pk = x.holder_pk JOIN objects o ON o.pk = x.holder_pk
        WHERE x.target_pk = ANY (v_controlled) AND x.kind IN ('cti-profile', 'phone');
END $$;
COMMENT ON FUNCTION lock_and_read IS 'locks and reads what a batch of logins and logouts decides on';

-- Writes what a batch decided, with its events, and says which transaction did it.
CREATE FUNCTION apply_batch(p_now timestamptz,
    d_phone bigint[], d_session uuid[],
    i_phone bigint[], i_user bigint[], i_profile bigint[], i_session uuid[], i_expires timestamptz[],
    i_limit integer[], i_source text[], i_method text[], i_exclusive boolean[],
    c_line bigint[], c_phone bigint[],
    e_id uuid[], e_type text[], e_topic text[], e_key text[], e_envelope text[])
RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE n integer;
BEGIN
    IF d_phone <> '{}' THEN
        DELETE FROM sessions s USING unnest(d_phone, d_session) AS d (phone, session)
            WHERE s.phone_pk = d.phone AND s.session_id = d.session;
        GET DIAGNOSTICS n = ROW_COUNT;
        IF n <> cardinality(d_phone) THEN
            RAISE EXCEPTION 'a session vanished under lock' USING ERRCODE = '40001';
        END IF;
    END IF;
    IF i_phone <> '{}' THEN
        INSERT INTO sessions (phone_pk, user_pk, profile_pk, session_id, started_at, expires_at,
            max_login_seconds, max_login_source, login_method, exclusive)
        SELECT i.phone, i.usr, i.profile, i.session, p_now, i.expires, i.lim, i.source, i.method, i.excl
        FROM unnest(i_phone, i_user, i_profile, i_session, i_expires, i_limit, i_source, i_method, i_exclusive)
            AS i (phone, usr, profile, session, expires, lim, source, method, excl);
    END IF;
    IF c_line <> '{}' THEN
        UPDATE lines x SET default_device_pk = c.phone FROM unnest(c_line, c_phone) AS c (line, phone) WHERE x.pk = c.line;
    END IF;
    IF append_events(p_now, e_id, e_type, e_topic, e_key, e_envelope) <> cardinality(e_id) THEN
        RAISE EXCEPTION 'an event was not appended';
    END IF;
    RETURN pg_current_xact_id()::text::bigint;
END $$;
COMMENT ON FUNCTION apply_batch IS 'writes the sessions, intercom defaults and events of a batch; returns the transaction id';

-- Counts an attempt before its secret is checked (security.md AUTH-3): no row, no check. Times in seconds; a lock of 0 seconds holds
-- until somebody unlocks.
CREATE FUNCTION charge_attempt(p_holder bigint, p_kind text, p_now timestamptz, p_most integer, p_reset integer, p_lock integer)
RETURNS TABLE (hash text, pepper_id text, version bigint, locks boolean) LANGUAGE sql VOLATILE AS $$
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
    RETURNING x.hash, x.pepper_id, x.version, x.locked_until IS NOT NULL
$$;
COMMENT ON FUNCTION charge_attempt IS 'counts a failed attempt in advance and returns what to check, unless the credential is locked';

-- What became of a transaction whose commit was not answered (security.md CON-10).
CREATE FUNCTION transaction_outcome(p_id bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT pg_xact_status(p_id::text::xid8)
$$;
COMMENT ON FUNCTION transaction_outcome IS 'committed, aborted, in progress, or null when the transaction is forgotten';
