DROP INDEX phones_in_calls;
CREATE OR REPLACE FUNCTION report_registrations(p_now timestamptz, p_by text, p_names text[], p_status text[], p_address text[], p_protocol text[],
    p_load text[], p_busy boolean[])
RETURNS text[] LANGUAGE sql VOLATILE AS $$
    WITH told AS (INSERT INTO registrations AS r (phone_pk, status, address, protocol, active_load, is_busy, reported_by, reported_at)
    SELECT o.pk, n.status, n.address, n.protocol, n.load, coalesce(n.busy, false), p_by, p_now
    FROM unnest(p_names, p_status, p_address, p_protocol, p_load, p_busy) AS n (name, status, address, protocol, load, busy)
    JOIN objects o ON o.type = 'Phone' AND o.name_key = n.name
    ORDER BY o.pk
    ON CONFLICT (phone_pk) DO UPDATE SET status = excluded.status,
        address = CASE WHEN excluded.status = 'unregistered' THEN NULL ELSE coalesce(excluded.address, r.address) END,
        protocol = coalesce(excluded.protocol, r.protocol), active_load = coalesce(excluded.active_load, r.active_load),
        is_busy = CASE WHEN excluded.status = 'unregistered' THEN false ELSE coalesce(
            (SELECT n.busy FROM unnest(p_names, p_busy) AS n (name, busy) JOIN objects o ON o.pk = r.phone_pk AND o.name_key = n.name),
            r.is_busy) END,
        reported_by = excluded.reported_by, reported_at = excluded.reported_at
    RETURNING phone_pk)
    SELECT coalesce(array_agg(o.name_key), '{}') FROM told JOIN objects o ON o.pk = told.phone_pk
$$;
