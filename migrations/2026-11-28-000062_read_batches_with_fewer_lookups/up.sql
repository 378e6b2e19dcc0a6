-- What a batch locks is read by the statement that locks it, and sessions once: every lookup of a row counts in a login. A locking
-- statement over one table returns each row as it is after the wait. Profiles that users hold are not locked: whoever changes one
-- locks the users who hold it first. Rows of kind 4 are gone, kind 5 tells whose profile it is, kind 8 are
-- default profiles, before the phones that take them by model and protocol. p_pins: users who gave their PIN.
-- Beside the function without it, which a gateway that still runs may call.
CREATE FUNCTION lock_and_read(p_users bigint[], p_pins bigint[], p_profiles bigint[], p_phones bigint[], p_out bigint[])
RETURNS TABLE (kind smallint, a bigint, b bigint, c bigint, flag boolean, num integer,
    t1 text, t2 text, t3 text, t4 text, u uuid, v uuid, ts timestamptz, ts2 timestamptz, doc jsonb)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    v_parameters jsonb; v_behaviour text; v_phones bigint[]; v_held bigint[]; v_foreign bigint[]; v_profiles bigint[]; v_owners bigint[]; v_controlled bigint[];
    u_pk bigint[]; u_default bigint[]; u_seconds integer[];
    a_user bigint[]; a_profile bigint[];
    p_pk bigint[]; p_model text[]; p_protocol text[]; p_enabled boolean[]; p_logout bigint[];
    s_phone bigint[]; s_user bigint[]; s_profile bigint[]; s_id uuid[]; s_started timestamptz[]; s_expires timestamptz[];
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7304100);             -- whoever changes the policy takes it exclusively
    SELECT jsonb_object_agg(sp.name, sp.value) INTO v_parameters
        FROM objects o JOIN service_parameters sp ON sp.node_pk = o.pk
        WHERE o.type = 'ProcessNode' AND o.name_key = 'enterprisewidedata';
    v_behaviour := coalesce(v_parameters ->> 'MultipleLoginBehavior', 'Multiple Logins Not Allowed');

    -- who is on the phones to be logged out is a guess until they are locked, the caller checks it
    SELECT array_agg(x.pk), array_agg(x.default_profile_pk), array_agg(x.max_login_seconds) INTO u_pk, u_default, u_seconds
        FROM (SELECT x.pk, x.default_profile_pk, x.max_login_seconds FROM users x
            WHERE x.pk = ANY (p_users || ARRAY(SELECT s.user_pk FROM sessions s WHERE s.phone_pk = ANY (p_out)))
            ORDER BY x.pk FOR NO KEY UPDATE) x;
    SELECT array_agg(x.holder_pk), array_agg(x.target_pk) INTO a_user, a_profile
        FROM (SELECT x.holder_pk, x.target_pk FROM associations x
            WHERE x.holder_pk = ANY (p_users) AND x.kind = 'profile' ORDER BY x.holder_pk, x.position) x;
    v_profiles := a_profile;
    IF p_profiles <> '{}' THEN
        v_foreign := ARRAY(SELECT x FROM unnest(p_profiles) x WHERE a_profile IS NULL OR x <> ALL (a_profile));
        PERFORM FROM device_profiles x WHERE x.pk = ANY (v_foreign) ORDER BY x.pk FOR NO KEY UPDATE;
        v_profiles := a_profile || v_foreign;
    END IF;
    v_phones := p_phones || p_out;
    IF v_behaviour = 'Auto Logout' THEN                        -- the phones to be displaced, known only now
        v_phones := v_phones || ARRAY(SELECT s.phone_pk FROM sessions s WHERE s.user_pk = ANY (p_users));
    END IF;
    SELECT array_agg(x.pk), array_agg(x.model), array_agg(x.protocol), array_agg(x.em_enabled), array_agg(x.logout_profile_pk)
        INTO p_pk, p_model, p_protocol, p_enabled, p_logout
        FROM (SELECT x.pk, x.model, x.protocol, x.em_enabled, x.logout_profile_pk FROM phones x
            WHERE x.pk = ANY (v_phones) ORDER BY x.pk FOR NO KEY UPDATE) x;
    IF EXISTS (SELECT FROM lines x WHERE x.usage = 'Device Intercom') THEN
        PERFORM FROM lines x WHERE x.usage = 'Device Intercom' AND x.pk IN (
            SELECT la.line_pk FROM line_appearances la WHERE la.owner_pk = ANY (v_profiles)) ORDER BY x.pk FOR NO KEY UPDATE;
    END IF;
    v_held := v_phones;
    IF v_behaviour = 'Multiple Logins Not Allowed' THEN        -- where else the users are
        v_held := v_held || ARRAY(SELECT s.phone_pk FROM sessions s WHERE s.user_pk = ANY (p_users));
    END IF;
    SELECT array_agg(s.phone_pk), array_agg(s.user_pk), array_agg(s.profile_pk), array_agg(s.session_id),
            array_agg(s.started_at), array_agg(s.expires_at)
        INTO s_phone, s_user, s_profile, s_id, s_started, s_expires
        FROM sessions s WHERE s.phone_pk = ANY (v_held);

    RETURN QUERY SELECT 0::smallint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::boolean, NULL::integer,
        NULL::text, NULL::text, NULL::text, NULL::text, NULL::uuid, NULL::uuid, clock_timestamp(), NULL::timestamptz,
        jsonb_build_object('parameters', v_parameters, 'locked', coalesce(to_jsonb(u_pk), '[]'));
    RETURN QUERY SELECT 1::smallint, x.pk, x.default_pk, cr.version,
        coalesce(up.carried ->> 'allowProvisionEMMaxLoginTime' = 'true', false), x.seconds,
        o.name, o.carried ->> 'userLocale', NULL::text, NULL::text, o.uuid, NULL::uuid, NULL::timestamptz, NULL::timestamptz, NULL::jsonb
        FROM unnest(u_pk, u_default, u_seconds) AS x (pk, default_pk, seconds) JOIN objects o ON o.pk = x.pk
        LEFT JOIN credentials cr ON cr.kind = 'pin' AND cr.holder_pk = CASE WHEN x.pk = ANY (p_pins) THEN x.pk END
        LEFT JOIN objects up ON up.pk = (o.carried -> 'userProfile' ->> 'ref')::bigint
        WHERE x.pk = ANY (p_users);
    RETURN QUERY SELECT 8::smallint, d.pk, NULL::bigint, NULL::bigint, NULL::boolean, NULL::integer,
        o.name, d.model, d.protocol, NULL::text, NULL::uuid, NULL::uuid, NULL::timestamptz, NULL::timestamptz, shown_settings(o.carried)
        FROM (SELECT DISTINCT x.model, x.protocol FROM unnest(p_model, p_protocol) AS x (model, protocol)) x
        JOIN default_profiles d ON d.model = x.model AND d.protocol = x.protocol JOIN objects o ON o.pk = d.pk;
    RETURN QUERY SELECT 2::smallint, x.pk, x.logout_pk, NULL::bigint, x.enabled, (coalesce(m.has_services, true))::integer,
        o.name, x.model, x.protocol, lo.name, o.uuid, NULL::uuid, NULL::timestamptz, NULL::timestamptz, shown_settings(o.carried)
        FROM unnest(p_pk, p_model, p_protocol, p_enabled, p_logout) AS x (pk, model, protocol, enabled, logout_pk)
        JOIN objects o ON o.pk = x.pk
        LEFT JOIN phone_models m ON m.model = x.model
        LEFT JOIN objects lo ON lo.pk = x.logout_pk;
    RETURN QUERY SELECT 3::smallint, s.phone, s.usr, s.profile, NULL::boolean, NULL::integer,
        ph.name, us.name, pr.name, dp.model, s.id, us.uuid, s.started, s.expires, to_jsonb(pr.uuid::text)
        FROM unnest(s_phone, s_user, s_profile, s_id, s_started, s_expires) AS s (phone, usr, profile, id, started, expires)
        JOIN objects us ON us.pk = s.usr
        LEFT JOIN objects ph ON ph.pk = CASE WHEN s.phone = ANY (p_pk) THEN NULL ELSE s.phone END    -- kind 2 names those
        JOIN objects pr ON pr.pk = s.profile JOIN device_profiles dp ON dp.pk = s.profile;
    RETURN QUERY SELECT 5::smallint, x.profile, x.usr, NULL::bigint, NULL::boolean, NULL::integer,
        o.name, dp.model, dp.protocol, NULL::text, o.uuid, NULL::uuid, NULL::timestamptz, NULL::timestamptz, shown_settings(o.carried)
        FROM unnest(v_profiles, a_user) WITH ORDINALITY AS x (profile, usr, place)
        JOIN device_profiles dp ON dp.pk = x.profile JOIN objects o ON o.pk = x.profile ORDER BY x.place;
    v_owners := v_profiles || ARRAY(                           -- what a phone shows when its user has left
        SELECT coalesce(x.logout_pk, x.pk) FROM unnest(p_pk, p_logout) AS x (pk, logout_pk) WHERE x.pk = ANY (s_phone));
    RETURN QUERY SELECT * FROM presented_lines(v_owners);
    v_controlled := v_profiles || s_profile || p_pk;
    RETURN QUERY SELECT 7::smallint, x.target_pk, NULL::bigint, NULL::bigint, NULL::boolean, NULL::integer,
        o.name, NULL::text, NULL::text, NULL::text, NULL::uuid, NULL::uuid, NULL::timestamptz, NULL::timestamptz, NULL::jsonb
        FROM (SELECT x.target_pk, x.holder_pk FROM associations x    -- on its own, so that it begins with the target
            WHERE x.target_pk = ANY (v_controlled) AND x.kind IN ('cti-profile', 'phone') OFFSET 0) x
        JOIN app_users au ON au.pk = x.holder_pk JOIN objects o ON o.pk = x.holder_pk;
END $$;
COMMENT ON FUNCTION lock_and_read(bigint[], bigint[], bigint[], bigint[], bigint[]) IS
    'locks and reads what a batch of logins and logouts decides on';

CREATE INDEX intercom_lines ON lines (pk) WHERE usage = 'Device Intercom';
CREATE INDEX associations_of_control ON associations (target_pk, holder_pk) WHERE kind IN ('cti-profile', 'phone');
