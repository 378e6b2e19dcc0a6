-- An attempt on an account that does not exist must take as long as one on an account that does (security.md HASH-2): the same lookup,
-- a row changed, and a commit that waits for the log.
CREATE TABLE absent_attempts (
    slot      integer PRIMARY KEY,
    failed    bigint NOT NULL DEFAULT 0,
    failed_at timestamptz
) WITH (fillfactor = 20);
COMMENT ON TABLE absent_attempts IS 'attempts on accounts that do not exist, spread over slots so that they do not wait for each other';
INSERT INTO absent_attempts (slot) SELECT generate_series(0, 63);

CREATE FUNCTION charge_nobody() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_slot integer := floor(random() * 64);
BEGIN
    PERFORM FROM charge_attempt(-1, 'pin', clock_timestamp(), 1, 1, 1);
    UPDATE absent_attempts x SET failed = n.failed + 1, failed_at = clock_timestamp()
    FROM (SELECT a.slot, a.failed FROM absent_attempts a WHERE a.slot = v_slot FOR NO KEY UPDATE) n WHERE x.slot = n.slot;
    RETURN false;
END $$;
COMMENT ON FUNCTION charge_nobody IS 'costs what charge_attempt costs and charges nobody';

-- Room on each page, so that counting an attempt touches no index.
ALTER TABLE credentials SET (fillfactor = 50);
