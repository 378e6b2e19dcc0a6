DROP FUNCTION transaction_outcome;
DROP FUNCTION charge_attempt;
DROP FUNCTION apply_batch;
DROP FUNCTION lock_and_read;
DROP FUNCTION presented_lines;
DROP FUNCTION shown_settings;
