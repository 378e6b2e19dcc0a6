-- A function of this language keeps its plans; the former one was parsed and planned in every call.
CREATE OR REPLACE FUNCTION add_object_references(owner bigint, tags text[], targets bigint[]) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE n integer;
BEGIN
    INSERT INTO object_references (owner_pk, tag, target_pk)
    SELECT owner, r.tag, r.target FROM unnest(tags, targets) AS r (tag, target)
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
