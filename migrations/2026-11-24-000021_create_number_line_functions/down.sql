DROP FUNCTION restart_event_line(bigint, text, bigint);
DROP FUNCTION positions_after(bigint, integer);
DROP FUNCTION number_events(bigint, timestamptz, bigint, bigint[], bigint[], timestamptz[], bytea[]);
DROP FUNCTION take_pending_events(integer);
