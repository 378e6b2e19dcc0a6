CREATE FUNCTION add_object_references(owner bigint, tags text[], targets bigint[]) RETURNS integer
LANGUAGE sql VOLATILE AS $$
    WITH added AS (
        INSERT INTO object_references (owner_pk, tag, target_pk)
        SELECT owner, r.tag, r.target FROM unnest(tags, targets) AS r(tag, target)
        ON CONFLICT DO NOTHING RETURNING 1)
    SELECT count(*)::integer FROM added;
$$;
COMMENT ON FUNCTION add_object_references IS 'adds the references of one object in one statement';

CREATE FUNCTION pick(carried jsonb, tags text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(jsonb_object_agg(t, carried -> t) FILTER (WHERE carried ? t), '{}') FROM unnest(tags) AS t;
$$;
COMMENT ON FUNCTION pick IS 'the named fields of carried settings only, so that a list of many rows stays small';
