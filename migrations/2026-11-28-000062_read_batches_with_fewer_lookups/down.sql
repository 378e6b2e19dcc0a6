DROP INDEX associations_of_control, intercom_lines;
DROP FUNCTION lock_and_read(bigint[], bigint[], bigint[], bigint[], bigint[]);
