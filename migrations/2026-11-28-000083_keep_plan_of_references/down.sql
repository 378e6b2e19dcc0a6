CREATE OR REPLACE FUNCTION add_object_references(owner bigint, tags text[], targets bigint[]) RETURNS integer
LANGUAGE sql VOLATILE AS $$
    WITH added AS (
        INSERT INTO object_references (owner_pk, tag, target_pk)
        SELECT owner, r.tag, r.target FROM unnest(tags, targets) AS r(tag, target)
        ON CONFLICT DO NOTHING RETURNING 1)
    SELECT count(*)::integer FROM added;
$$;
