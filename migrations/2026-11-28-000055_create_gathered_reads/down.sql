DROP FUNCTION find_accounts;
DROP FUNCTION find_object_keys;
