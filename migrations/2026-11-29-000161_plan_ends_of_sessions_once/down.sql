CREATE OR REPLACE FUNCTION end_sessions(p_phones bigint[], p_sessions uuid[]) RETURNS integer LANGUAGE sql VOLATILE AS $$
    WITH ended AS (
        DELETE FROM sessions s USING unnest(p_phones, p_sessions) AS d (phone, session)
        WHERE s.phone_pk = d.phone AND s.session_id = d.session RETURNING s.phone_pk, s.user_pk, s.session_id),
    remembered AS (
        INSERT INTO last_sessions (phone_pk, user_pk, session_id) SELECT phone_pk, user_pk, session_id FROM ended
        ON CONFLICT (phone_pk) DO UPDATE SET user_pk = excluded.user_pk, session_id = excluded.session_id)
    SELECT count(*)::integer FROM ended
$$;
