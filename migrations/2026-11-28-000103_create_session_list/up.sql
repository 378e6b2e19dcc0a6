-- Sessions as an operator asks for them; a pattern that is null asks nothing.
CREATE FUNCTION list_sessions(p_phone text, p_user text, p_profile text, p_site text, p_before timestamptz, p_most bigint)
RETURNS TABLE (session_id uuid, phone text, model text, site text, user_id text, profile text, method text, started_at timestamptz,
    expires_at timestamptz, limit_source text)
LANGUAGE sql STABLE AS $$
    SELECT s.session_id, ph.name, p.model, dp.name, us.name, pr.name, s.login_method, s.started_at, s.expires_at, s.max_login_source
    FROM sessions s JOIN objects ph ON ph.pk = s.phone_pk JOIN phones p ON p.pk = s.phone_pk
    JOIN objects us ON us.pk = s.user_pk JOIN objects pr ON pr.pk = s.profile_pk
    LEFT JOIN object_references r ON r.owner_pk = s.phone_pk AND r.tag = 'devicePoolName' LEFT JOIN objects dp ON dp.pk = r.target_pk
    WHERE (p_phone IS NULL OR ph.name_key LIKE p_phone) AND (p_user IS NULL OR us.name_key LIKE p_user)
        AND (p_profile IS NULL OR pr.name_key LIKE p_profile) AND (p_site IS NULL OR dp.name_key LIKE p_site)
        AND (p_before IS NULL OR s.started_at <= p_before)
    ORDER BY ph.name_key LIMIT p_most
$$;
COMMENT ON FUNCTION list_sessions IS 'sessions by patterns of phone, user, profile and site, and by their age';
