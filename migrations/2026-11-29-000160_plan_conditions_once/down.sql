CREATE OR REPLACE FUNCTION login_conditions(p_node text, p_phones text[], OUT parameters jsonb, OUT phones phone_condition[])
LANGUAGE sql STABLE AS $$
    SELECT
        (SELECT jsonb_object_agg(x.name, x.value ORDER BY x.is_own)     -- the last one stays: a value of the node itself
            FROM (SELECT sp.name, sp.value, o.name_key = p_node AS is_own
                FROM objects o JOIN service_parameters sp ON sp.node_pk = o.pk
                WHERE o.type = 'ProcessNode' AND o.name_key IN ('enterprisewidedata', p_node) AND sp.value IS NOT NULL) x),
        ARRAY(SELECT ROW (f.place, o.pk, o.name,
                (SELECT ph.em_enabled FROM phones ph WHERE ph.pk = o.pk), coalesce(o.carried ->> 'isProtected' = 'true', false),
                (SELECT us.name FROM sessions s JOIN objects us ON us.pk = s.user_pk WHERE s.phone_pk = o.pk),
                (SELECT pr.name FROM sessions s JOIN objects pr ON pr.pk = s.profile_pk WHERE s.phone_pk = o.pk),
                (SELECT lu.name FROM last_sessions l JOIN objects lu ON lu.pk = l.user_pk WHERE l.phone_pk = o.pk),
                (SELECT l.session_id FROM last_sessions l WHERE l.phone_pk = o.pk),
                (SELECT r.address FROM registrations r WHERE r.phone_pk = o.pk AND r.status <> 'unregistered'))::phone_condition
            FROM unnest(p_phones) WITH ORDINALITY AS f (key, place)
            JOIN objects o ON o.type = 'Phone' AND o.name_key = f.key)
$$;
