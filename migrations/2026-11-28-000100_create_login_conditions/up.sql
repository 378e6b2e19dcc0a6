-- What a request at a phone or of an application meets before anybody is known: parameters, the phone, who is and was on it, its address.
CREATE TABLE last_sessions (
    phone_pk bigint PRIMARY KEY REFERENCES phones (pk) ON DELETE CASCADE,
    user_pk bigint NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
    session_id uuid NOT NULL
);
CREATE INDEX last_sessions_of_user ON last_sessions (user_pk);
COMMENT ON TABLE last_sessions IS 'the last session that has ended on each phone (EM-085)';

CREATE TABLE registrations (
    phone_pk bigint PRIMARY KEY REFERENCES phones (pk) ON DELETE CASCADE,
    address text,
    protocol text,
    active_load text,
    status text NOT NULL CHECK (status IN ('registered', 'unregistered', 'seen')),
    reported_by text,
    reported_at timestamptz NOT NULL
);
COMMENT ON TABLE registrations IS 'where phones are, as a call-processing system reports or as they show by logging in (design.md 22)';
COMMENT ON COLUMN registrations.status IS 'seen: the phone was at this address when somebody logged in with a PIN; nobody has reported it';
COMMENT ON COLUMN registrations.reported_by IS 'application user of the report; none for what was seen';

-- Ends sessions and remembers them as the last of their phones; says how many there were.
CREATE FUNCTION end_sessions(p_phones bigint[], p_sessions uuid[]) RETURNS integer LANGUAGE sql VOLATILE AS $$
    WITH ended AS (
        DELETE FROM sessions s USING unnest(p_phones, p_sessions) AS d (phone, session)
        WHERE s.phone_pk = d.phone AND s.session_id = d.session RETURNING s.phone_pk, s.user_pk, s.session_id),
    remembered AS (
        INSERT INTO last_sessions (phone_pk, user_pk, session_id) SELECT phone_pk, user_pk, session_id FROM ended
        ON CONFLICT (phone_pk) DO UPDATE SET user_pk = excluded.user_pk, session_id = excluded.session_id)
    SELECT count(*)::integer FROM ended
$$;
COMMENT ON FUNCTION end_sessions IS 'ends sessions that are still there and remembers them as the last of their phones';

CREATE OR REPLACE FUNCTION apply_batch(p_now timestamptz,
    d_phone bigint[], d_session uuid[],
    i_phone bigint[], i_user bigint[], i_profile bigint[], i_session uuid[], i_expires timestamptz[],
    i_limit integer[], i_source text[], i_method text[], i_exclusive boolean[],
    c_line bigint[], c_phone bigint[],
    e_id uuid[], e_type text[], e_topic text[], e_key text[], e_envelope text[])
RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF d_phone <> '{}' THEN
        IF end_sessions(d_phone, d_session) <> cardinality(d_phone) THEN
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
        UPDATE objects x SET revision = x.revision + 1, changed_at = p_now WHERE x.pk = ANY (c_line);
    END IF;
    IF append_events(p_now, e_id, e_type, e_topic, e_key, e_envelope) <> cardinality(e_id) THEN
        RAISE EXCEPTION 'an event was not appended';
    END IF;
    RETURN pg_current_xact_id()::text::bigint;
END $$;

CREATE TYPE phone_condition AS (
    place integer, pk bigint, name text, em_enabled boolean, is_protected boolean, occupant text, occupant_profile text,
    last_user text, last_session uuid, address text);

CREATE FUNCTION login_conditions(p_node text, p_phones text[], OUT parameters jsonb, OUT phones phone_condition[])
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
COMMENT ON FUNCTION login_conditions IS 'service parameters in force on a node, and phones as logins and logouts find them';

-- The pattern stays inside the carried element that knows its partition; these make it and the self-service id a way to find a person.
CREATE INDEX users_by_primary_extension ON objects ((carried -> 'primaryExtension' ->> 'pattern')) WHERE type = 'User';
