CREATE OR REPLACE FUNCTION login_conditions(p_node text, p_phones text[], OUT parameters jsonb, OUT phones phone_condition[])
LANGUAGE sql STABLE AS $$
    SELECT
        (SELECT jsonb_object_agg(x.name, x.value ORDER BY x.is_own)     -- the last one stays: a value of the node itself
            FROM (SELECT sp.name, sp.value, o.name_key = p_node AS is_own
                FROM objects o JOIN service_parameters sp ON sp.node_pk = o.pk
                WHERE o.type = 'ProcessNode' AND o.name_key IN ('enterprisewidedata', p_node) AND sp.value IS NOT NULL) x),
        ARRAY(SELECT ROW (f.place, o.pk, o.name, ph.em_enabled, coalesce(o.carried ->> 'isProtected' = 'true', false), us.name, pr.name, lu.name,
                l.session_id, r.address)::phone_condition
            FROM unnest(p_phones) WITH ORDINALITY AS f (key, place)
            JOIN objects o ON o.type = 'Phone' AND o.name_key = f.key JOIN phones ph ON ph.pk = o.pk
            LEFT JOIN sessions s ON s.phone_pk = o.pk
            LEFT JOIN objects us ON us.pk = s.user_pk LEFT JOIN objects pr ON pr.pk = s.profile_pk
            LEFT JOIN last_sessions l ON l.phone_pk = o.pk LEFT JOIN objects lu ON lu.pk = l.user_pk
            LEFT JOIN registrations r ON r.phone_pk = o.pk AND r.status <> 'unregistered')
$$;
