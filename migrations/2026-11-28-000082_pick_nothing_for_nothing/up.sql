-- A list that shows no carried setting reads none: this is expanded where it is used, so that the settings are not even unpacked.
ALTER FUNCTION pick(jsonb, text[]) RENAME TO pick_some;
COMMENT ON FUNCTION pick_some IS 'the named fields of carried settings';

CREATE FUNCTION pick(carried jsonb, tags text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN tags = '{}' THEN '{}' ELSE pick_some(carried, tags) END
$$;
COMMENT ON FUNCTION pick IS 'the named fields of carried settings only, so that a list of many rows stays small';
