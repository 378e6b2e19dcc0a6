DROP FUNCTION ensure_event_partitions(date, integer);
DROP FUNCTION append_events(timestamptz, uuid[], text[], text[], text[], text[]);
DROP TABLE event_stream;
DROP TABLE event_position;
DROP TABLE event_pending;
DROP TABLE event_log;
