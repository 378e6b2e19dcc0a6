-- Whether a phone is protected and whether a user is at home in this cluster decides on logins, too (EM-052, EM-137). Beside
-- lock_and_read_batch and its types, which a gateway that still runs may call.
CREATE TYPE login_person AS (
    pk bigint, name text, uuid uuid, own_seconds integer, default_profile_pk bigint, locale text, pin_version bigint,
    home_cluster boolean);
CREATE TYPE login_device AS (
    pk bigint, name text, uuid uuid, model text, protocol text, em_enabled boolean, has_services boolean,
    logout_profile login_name, carried jsonb, default_profile login_default_profile, is_protected boolean);

CREATE FUNCTION lock_and_read_logins(p_users bigint[], p_pins bigint[], p_profiles bigint[], p_phones bigint[], p_out bigint[],
    OUT moment timestamptz, OUT parameters jsonb, OUT locked bigint[], OUT users login_person[], OUT phones login_device[],
    OUT profiles login_profile[], OUT holders bigint[], OUT held bigint[], OUT sessions login_session[],
    OUT buttons line_buttons[], OUT controllers login_name[])
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    v_behaviour text; v_phones bigint[]; v_foreign bigint[]; v_profiles bigint[];
    u_default bigint[]; u_seconds integer[]; u_home boolean[];
    p_pk bigint[]; p_model text[]; p_protocol text[]; p_enabled boolean[]; p_logout bigint[];
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7304100);             -- whoever changes the policy takes it exclusively
    SELECT jsonb_object_agg(sp.name, sp.value) INTO parameters
        FROM objects o JOIN service_parameters sp ON sp.node_pk = o.pk
        WHERE o.type = 'ProcessNode' AND o.name_key = 'enterprisewidedata';
    v_behaviour := coalesce(parameters ->> 'MultipleLoginBehavior', 'Multiple Logins Not Allowed');

    -- who is on the phones to be logged out is a guess until they are locked, the caller checks it
    SELECT coalesce(array_agg(x.pk), '{}'), array_agg(x.default_profile_pk), array_agg(x.max_login_seconds), array_agg(x.home_cluster)
        INTO locked, u_default, u_seconds, u_home FROM (SELECT x.pk, x.default_profile_pk, x.max_login_seconds, x.home_cluster FROM users x
            WHERE x.pk = ANY (p_users || ARRAY(SELECT s.user_pk FROM sessions s WHERE s.phone_pk = ANY (p_out)))
            ORDER BY x.pk FOR NO KEY UPDATE) x;
    SELECT coalesce(array_agg(x.holder_pk), '{}'), coalesce(array_agg(x.target_pk), '{}') INTO holders, held
        FROM (SELECT x.holder_pk, x.target_pk FROM associations x
            WHERE x.holder_pk = ANY (p_users) AND x.kind = 'profile' ORDER BY x.holder_pk, x.position) x;
    v_profiles := held;
    IF p_profiles <> '{}' THEN
        v_foreign := ARRAY(SELECT x FROM unnest(p_profiles) x WHERE x <> ALL (held));
        PERFORM FROM device_profiles x WHERE x.pk = ANY (v_foreign) ORDER BY x.pk FOR NO KEY UPDATE;
        v_profiles := held || v_foreign;
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

    moment := clock_timestamp();
    WITH present AS MATERIALIZED (
        SELECT s.* FROM sessions s WHERE s.phone_pk = ANY (v_phones || ARRAY(    -- and where else the users are
            SELECT s.phone_pk FROM sessions s WHERE v_behaviour = 'Multiple Logins Not Allowed' AND s.user_pk = ANY (p_users)))),
    models AS MATERIALIZED (
        SELECT x.model, x.protocol, coalesce(m.has_services, true) AS has_services, 
            CASE WHEN o.pk IS NOT NULL THEN ROW (o.name, x.model, given_settings(o.carried))::login_default_profile END AS default_profile
        FROM (SELECT DISTINCT x.model, x.protocol FROM unnest(p_model, p_protocol) AS x (model, protocol)) x
        LEFT JOIN phone_models m ON m.model = x.model
        LEFT JOIN default_profiles d ON d.model = x.model AND d.protocol = x.protocol LEFT JOIN objects o ON o.pk = d.pk)
    SELECT
        ARRAY(SELECT ROW (x.pk, o.name, o.uuid, CASE WHEN up.carried ->> 'allowProvisionEMMaxLoginTime' = 'true' THEN x.seconds END,
                x.default_pk, o.carried ->> 'userLocale', cr.version, x.home)::login_person
            FROM unnest(locked, u_default, u_seconds, u_home) AS x (pk, default_pk, seconds, home) JOIN objects o ON o.pk = x.pk
            LEFT JOIN credentials cr ON cr.kind = 'pin' AND cr.holder_pk = CASE WHEN x.pk = ANY (p_pins) THEN x.pk END
            LEFT JOIN objects up ON up.pk = (o.carried -> 'userProfile' ->> 'ref')::bigint
            WHERE x.pk = ANY (p_users)),
        ARRAY(SELECT ROW (x.pk, o.name, o.uuid, x.model, x.protocol, x.enabled, m.has_services,
                CASE WHEN lo.pk IS NOT NULL THEN ROW (lo.pk, lo.name)::login_name END, given_settings(o.carried), m.default_profile,
                coalesce(o.carried ->> 'isProtected' = 'true', false))::login_device
            FROM unnest(p_pk, p_model, p_protocol, p_enabled, p_logout) AS x (pk, model, protocol, enabled, logout_pk)
            JOIN objects o ON o.pk = x.pk JOIN models m ON m.model = x.model AND m.protocol = x.protocol
            LEFT JOIN objects lo ON lo.pk = x.logout_pk),
        ARRAY(SELECT ROW (dp.pk, o.name, o.uuid, dp.model, given_settings(o.carried))::login_profile
            FROM device_profiles dp JOIN objects o ON o.pk = dp.pk WHERE dp.pk = ANY (v_profiles)),
        ARRAY(SELECT ROW (s.session_id, s.phone_pk, ph.name, s.user_pk, us.name, us.uuid, s.profile_pk, pr.name, pr.uuid, dp.model,
                s.started_at, s.expires_at)::login_session
            FROM present s JOIN objects ph ON ph.pk = s.phone_pk JOIN objects us ON us.pk = s.user_pk
            JOIN objects pr ON pr.pk = s.profile_pk JOIN device_profiles dp ON dp.pk = s.profile_pk),
        ARRAY(SELECT b FROM line_buttons b WHERE b.owner_pk = ANY (v_profiles || ARRAY(    -- what a phone shows when its user has left
            SELECT coalesce(x.logout_pk, x.pk) FROM unnest(p_pk, p_logout) AS x (pk, logout_pk)
            WHERE x.pk = ANY (ARRAY(SELECT s.phone_pk FROM present s))))),
        ARRAY(SELECT ROW (x.target_pk, o.name)::login_name
            FROM (SELECT x.target_pk, x.holder_pk FROM associations x    -- on its own, so that it begins with the target
                WHERE x.target_pk = ANY (v_profiles || ARRAY(SELECT s.profile_pk FROM present s) || p_pk)
                    AND x.kind IN ('cti-profile', 'phone') OFFSET 0) x
            JOIN app_users au ON au.pk = x.holder_pk JOIN objects o ON o.pk = x.holder_pk)
        INTO users, phones, profiles, sessions, buttons, controllers;
END $$;
COMMENT ON FUNCTION lock_and_read_logins IS 'locks and reads what a batch of logins and logouts decides on';
