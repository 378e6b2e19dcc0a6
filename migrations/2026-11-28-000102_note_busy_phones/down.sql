ALTER TABLE registrations DROP COLUMN is_busy;
