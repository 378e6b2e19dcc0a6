-- What it calls is stable only, and a function that claims more than it calls is not expanded where it is used: it was parsed and planned
-- anew in every batch of logins.
ALTER FUNCTION shown_settings STABLE;
