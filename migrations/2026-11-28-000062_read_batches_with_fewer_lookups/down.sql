DROP INDEX associations_of_control, intercom_lines;
DROP FUNCTION lock_and_read;
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
