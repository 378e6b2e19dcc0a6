//! What the tables hold, in lines that the model can be compared with, and in one text that shows any change at all.

use diesel::connection::{Connection, SimpleConnection};
use diesel::pg::PgConnection;
use diesel::prelude::*;

use crate::support::database::TestDatabase;

const VIEWS: &str = "
CREATE FUNCTION seconds(timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(extract(epoch FROM $1 - '2026-03-02 08:00:00Z')::bigint::text, '-') $$;
CREATE FUNCTION held(bigint, text) RETURNS text LANGUAGE sql AS $$
    SELECT '[' || coalesce(string_agg(o.name, ' ' ORDER BY a.position), '') || ']'
    FROM associations a JOIN objects o ON o.pk = a.target_pk WHERE a.holder_pk = $1 AND a.kind = $2 $$;
CREATE FUNCTION named(bigint) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce((SELECT name FROM objects WHERE pk = $1), '-') $$;
CREATE VIEW picture AS
    SELECT concat_ws(' ', 'session', named(phone_pk), named(user_pk), named(profile_pk),
        'since', seconds(started_at), 'until', seconds(expires_at)) AS line FROM sessions
    UNION ALL SELECT concat_ws(' ', 'phone', named(pk), CASE WHEN em_enabled THEN 'on' ELSE 'off' END) FROM phones
    UNION ALL SELECT concat_ws(' ', 'profile', named(pk), '[' || coalesce((SELECT string_agg(l.pattern, ' ' ORDER BY la.index)
        FROM line_appearances la JOIN lines l ON l.pk = la.line_pk WHERE la.owner_pk = p.pk), '') || ']') FROM device_profiles p
    UNION ALL SELECT concat_ws(' ', 'user', named(u.pk), 'profiles', held(u.pk, 'profile'), 'default', named(u.default_profile_pk),
        'phones', held(u.pk, 'phone'), 'failed', c.failed, 'locked', seconds(c.locked_until))
        FROM users u JOIN credentials c ON c.holder_pk = u.pk AND c.kind = 'pin'
    UNION ALL SELECT concat_ws(' ', 'line', pattern, named(default_device_pk)) FROM lines
    UNION ALL SELECT concat_ws(' ', 'parameter', name, value) FROM service_parameters;
CREATE FUNCTION every_row() RETURNS text LANGUAGE plpgsql AS $$
DECLARE t text; part text; total text := '';
BEGIN
    FOR t IN SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
        AND c.relname NOT IN ('absent_accounts', 'absent_attempts', 'phone_models') ORDER BY 1
    LOOP
        -- when a PIN was right for the last time is no part of what there is
        EXECUTE format('SELECT md5(coalesce(string_agg(y.r, chr(10) ORDER BY y.r), ''''))
            FROM (SELECT (to_jsonb(x) - ''used_at'')::text AS r FROM %s x) y', t) INTO part;
        total := total || t || ' ' || part || chr(10);
    END LOOP;
    RETURN total;
END $$;
CREATE VIEW whole AS SELECT every_row() AS text;
";

diesel::table! { picture (line) { line -> Text } }
diesel::table! { whole (text) { text -> Text } }

/// Looks at a database from outside.
pub(super) struct Watcher(PgConnection);

impl Watcher {
    pub(super) fn of(database: &TestDatabase) -> Self {
        let mut connection = PgConnection::establish(&database.url).unwrap();
        connection.batch_execute(VIEWS).unwrap();
        Self(connection)
    }

    /// The state, one line a fact, sorted.
    pub(super) fn picture(&mut self) -> Vec<String> {
        let mut lines: Vec<String> = picture::table.select(picture::line).load(&mut self.0).unwrap();
        lines.sort();
        lines
    }

    /// A hash of every table, the log included.
    pub(super) fn everything(&mut self) -> String {
        whole::table.select(whole::text).first(&mut self.0).unwrap()
    }
}
