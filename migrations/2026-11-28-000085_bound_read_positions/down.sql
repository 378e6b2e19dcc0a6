DROP FUNCTION positions_after(bigint, integer, bigint);
