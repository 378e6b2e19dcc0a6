DROP INDEX users_by_primary_extension;
DROP FUNCTION login_conditions;
DROP TYPE phone_condition;
CREATE OR REPLACE FUNCTION apply_batch(p_now timestamptz,
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
        UPDATE objects x SET revision = x.revision + 1, changed_at = p_now WHERE x.pk = ANY (c_line);
    END IF;
    IF append_events(p_now, e_id, e_type, e_topic, e_key, e_envelope) <> cardinality(e_id) THEN
        RAISE EXCEPTION 'an event was not appended';
    END IF;
    RETURN pg_current_xact_id()::text::bigint;
END $$;
DROP FUNCTION end_sessions;
DROP TABLE registrations;
DROP TABLE last_sessions;
