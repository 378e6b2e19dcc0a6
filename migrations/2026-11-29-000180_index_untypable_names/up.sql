-- Readiness says which users have an id that no keypad types; it is asked every few seconds and must not read all of them.
CREATE INDEX objects_of_untypable_name ON objects (type, name) WHERE name ~ '[^!-~]';
