DROP FUNCTION drop_other_events;
DROP FUNCTION drop_detached_event_partitions;
DROP FUNCTION detach_old_event_partition;
DROP FUNCTION drop_event_positions;
DROP FUNCTION first_kept_event;
