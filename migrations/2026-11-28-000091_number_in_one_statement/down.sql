DROP FUNCTION number_pending_events(bigint, bigint, timestamptz, integer);
