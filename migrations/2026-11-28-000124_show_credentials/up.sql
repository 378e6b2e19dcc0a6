-- Also what is set for credentials, as users and application users show it; everything else is as before.
CREATE OR REPLACE FUNCTION show_objects(p_type text[], p_key text[], p_uuid uuid[], p_pk bigint[], p_parts text[])
RETURNS TABLE (part text, a bigint, b bigint, c bigint, flag boolean, num integer, t1 text, t2 text, t3 text, t4 text,
    u uuid, v uuid, ts timestamptz, doc jsonb)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    v_found bigint[] := '{}'; v_places integer[]; v_all bigint[]; v_layers bigint[] := '{}';
BEGIN
    IF p_type <> '{}' THEN
        SELECT coalesce(array_agg(f.pk), '{}'), array_agg(f.place) INTO v_found, v_places
            FROM find_object_keys(p_type, p_key, p_uuid) f;
        RETURN QUERY SELECT 'object', o.pk, o.revision, NULL::bigint, NULL::boolean, f.place, o.name, o.name_key, o.description,
            o.type, o.uuid, NULL::uuid, o.changed_at, o.carried
            FROM unnest(v_found, v_places) AS f (pk, place) JOIN objects o ON o.pk = f.pk;
    END IF;
    v_all := v_found || p_pk;
    IF v_all = '{}' THEN RETURN; END IF;

    IF 'phone' = ANY (p_parts) THEN
        RETURN QUERY SELECT 'phone', x.pk, x.logout_profile_pk, NULL::bigint, x.em_enabled, NULL::integer, x.model, x.protocol,
            NULL::text, NULL::text, NULL::uuid, NULL::uuid, NULL::timestamptz, NULL::jsonb
            FROM phones x WHERE x.pk = ANY (v_all);
    END IF;
    IF 'model' = ANY (p_parts) THEN
        RETURN QUERY SELECT 'model', x.pk, NULL::bigint, NULL::bigint, NULL::boolean, NULL::integer, x.model, x.protocol,
            NULL::text, NULL::text, NULL::uuid, NULL::uuid, NULL::timestamptz, NULL::jsonb
            FROM (SELECT pk, model, protocol FROM device_profiles UNION ALL SELECT pk, model, protocol FROM default_profiles) x
            WHERE x.pk = ANY (v_all);
    END IF;
    IF 'line' = ANY (p_parts) THEN
        RETURN QUERY SELECT 'line', x.pk, x.partition_pk, x.default_device_pk, NULL::boolean, NULL::integer, x.pattern, x.usage,
            NULL::text, NULL::text, NULL::uuid, NULL::uuid, NULL::timestamptz, NULL::jsonb
            FROM lines x WHERE x.pk = ANY (v_all);
    END IF;
    IF 'line-phone' = ANY (p_parts) THEN
        RETURN QUERY SELECT DISTINCT 'line-phone', x.line_pk, NULL::bigint, NULL::bigint, NULL::boolean, NULL::integer, o.name, o.name_key,
            NULL::text, NULL::text, NULL::uuid, NULL::uuid, NULL::timestamptz, NULL::jsonb
            FROM line_appearances x JOIN objects o ON o.pk = x.owner_pk
            WHERE x.line_pk = ANY (v_all) AND o.type = 'Phone' ORDER BY x.line_pk, o.name_key;
    END IF;
    IF 'user' = ANY (p_parts) THEN
        RETURN QUERY SELECT 'user', x.pk, x.default_profile_pk, NULL::bigint, x.home_cluster, x.max_login_seconds, x.first_name,
            x.last_name, x.department, x.self_service, NULL::uuid, NULL::uuid, NULL::timestamptz, NULL::jsonb
            FROM users x WHERE x.pk = ANY (v_all);
    END IF;
    IF 'association' = ANY (p_parts) THEN
        RETURN QUERY SELECT 'association', x.holder_pk, x.target_pk, NULL::bigint, NULL::boolean, NULL::integer, x.kind, o.type, o.name,
            NULL::text, o.uuid, NULL::uuid, NULL::timestamptz, NULL::jsonb
            FROM associations x JOIN objects o ON o.pk = x.target_pk
            WHERE x.holder_pk = ANY (v_all) ORDER BY x.holder_pk, x.position;
    END IF;
    IF 'credential' = ANY (p_parts) THEN
        RETURN QUERY SELECT 'credential', x.holder_pk, x.policy_pk, NULL::bigint, x.hash IS NOT NULL, NULL::integer, x.kind, NULL::text,
            NULL::text, NULL::text, NULL::uuid, NULL::uuid, x.changed_at, jsonb_build_object('cantChange', x.cant_change,
                'mustChange', x.must_change, 'neverExpires', x.never_expires, 'adminLockedAt', x.admin_locked_at)
            FROM credentials x WHERE x.holder_pk = ANY (v_all);
    END IF;
    IF 'button' = ANY (p_parts) THEN
        RETURN QUERY SELECT 'button', x.owner_pk, x.line_pk, l.partition_pk, NULL::boolean, x.index, l.pattern, NULL::text,
            NULL::text, NULL::text, x.uuid, o.uuid, NULL::timestamptz, x.settings
            FROM line_appearances x JOIN lines l ON l.pk = x.line_pk JOIN objects o ON o.pk = x.line_pk
            WHERE x.owner_pk = ANY (v_all) ORDER BY x.owner_pk, x.index;
    END IF;
    IF 'session' = ANY (p_parts) THEN
        RETURN QUERY SELECT 'session', x.phone_pk, x.profile_pk, NULL::bigint, NULL::boolean, x.max_login_seconds, o.name, NULL::text,
            NULL::text, NULL::text, NULL::uuid, NULL::uuid, x.started_at, NULL::jsonb
            FROM sessions x JOIN objects o ON o.pk = x.user_pk
            WHERE x.phone_pk = ANY (v_all) OR x.profile_pk = ANY (v_all) ORDER BY x.phone_pk;
    END IF;
    IF 'config' = ANY (p_parts) THEN
        RETURN QUERY SELECT 'config', x.pk, coalesce(s.profile_pk, x.logout_profile_pk), d.pk, coalesce(m.has_services, true),
            NULL::integer, x.model, x.protocol, us.carried ->> 'userLocale', NULL::text,
            NULL::uuid, NULL::uuid, NULL::timestamptz, NULL::jsonb
            FROM phones x LEFT JOIN sessions s ON s.phone_pk = x.pk LEFT JOIN objects us ON us.pk = s.user_pk
            LEFT JOIN phone_models m ON m.model = x.model
            LEFT JOIN default_profiles d ON d.model = x.model AND d.protocol = x.protocol
            WHERE x.pk = ANY (v_all);
        v_layers := ARRAY(
            SELECT unnest(ARRAY[x.pk, coalesce(s.profile_pk, x.logout_profile_pk), d.pk])
            FROM phones x LEFT JOIN sessions s ON s.phone_pk = x.pk
            LEFT JOIN default_profiles d ON d.model = x.model AND d.protocol = x.protocol
            WHERE x.pk = ANY (v_all));
        RETURN QUERY SELECT 'layer', o.pk, NULL::bigint, NULL::bigint, NULL::boolean, NULL::integer, o.name, x.model,
            NULL::text, NULL::text, NULL::uuid, NULL::uuid, NULL::timestamptz, o.carried
            FROM objects o LEFT JOIN device_profiles x ON x.pk = o.pk
            WHERE o.pk = ANY (v_layers) AND (o.type <> 'Phone' OR o.pk <> ALL (v_found));
    END IF;
    IF 'name' = ANY (p_parts) THEN
        RETURN QUERY SELECT 'name', o.pk, NULL::bigint, NULL::bigint, NULL::boolean, NULL::integer, o.name, NULL::text,
            NULL::text, NULL::text, o.uuid, NULL::uuid, NULL::timestamptz, NULL::jsonb
            FROM objects o WHERE o.pk = ANY (ARRAY(
                SELECT (r #>> '{}')::bigint FROM objects x, jsonb_path_query(x.carried, '$.**.ref ? (@.type() == "number")') AS r
                    WHERE x.pk = ANY (v_all || v_layers)
                UNION ALL SELECT (r #>> '{}')::bigint
                    FROM line_appearances x, jsonb_path_query(x.settings, '$.**.ref ? (@.type() == "number")') AS r
                    WHERE x.owner_pk = ANY (v_all)
                UNION ALL SELECT l.partition_pk FROM line_appearances x JOIN lines l ON l.pk = x.line_pk WHERE x.owner_pk = ANY (v_all)
                UNION ALL SELECT x.profile_pk FROM sessions x WHERE x.phone_pk = ANY (v_all) OR x.profile_pk = ANY (v_all)
                UNION ALL SELECT x.logout_profile_pk FROM phones x WHERE x.pk = ANY (v_all)
                UNION ALL SELECT unnest(ARRAY[x.partition_pk, x.default_device_pk]) FROM lines x WHERE x.pk = ANY (v_all)
                UNION ALL SELECT x.default_profile_pk FROM users x WHERE x.pk = ANY (v_all)
                UNION ALL SELECT x.policy_pk FROM credentials x WHERE x.holder_pk = ANY (v_all)));
    END IF;
END $$;
