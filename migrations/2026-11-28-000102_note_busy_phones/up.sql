-- Whether a phone is in a call, as far as somebody reports it: an automatic logout may wait for its end.
ALTER TABLE registrations ADD COLUMN is_busy boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN registrations.is_busy IS 'in a call, by the last report of a call state';
