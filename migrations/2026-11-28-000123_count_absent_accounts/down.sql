DROP FUNCTION drop_absent_accounts;
DROP FUNCTION charge_absent;
DROP TABLE absent_accounts;
