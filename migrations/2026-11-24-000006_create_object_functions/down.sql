DROP FUNCTION pick(jsonb, text[]);
DROP FUNCTION add_object_references(bigint, text[], bigint[]);
