//! Many phones, each with somebody logged in, written at once into a database of any shape since sessions are kept.

use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;

/// Makes so many, `SEP000000000001` and on, whose sessions began now and end at the moment of an SQL expression.
pub fn people_logged_in(inside: &mut PgConnection, count: u32, end: &str) {
    inside.batch_execute(&format!("
        SET LOCAL statement_timeout = 0;
        CREATE TEMPORARY TABLE made AS SELECT n, nextval(pg_get_serial_sequence('objects', 'pk')) AS phone,
            nextval(pg_get_serial_sequence('objects', 'pk')) AS person, nextval(pg_get_serial_sequence('objects', 'pk')) AS profile
            FROM generate_series(1, {count}) n;
        INSERT INTO objects (pk, type, name, name_key, uuid, changed_at) OVERRIDING SYSTEM VALUE
            SELECT phone, 'Phone', 'SEP' || lpad(n::text, 12, '0'), 'sep' || lpad(n::text, 12, '0'), gen_random_uuid(), now() FROM made
            UNION ALL SELECT person, 'User', 'u' || n, 'u' || n, gen_random_uuid(), now() FROM made
            UNION ALL SELECT profile, 'DeviceProfile', 'p' || n, 'p' || n, gen_random_uuid(), now() FROM made;
        INSERT INTO phones (pk, model, protocol, em_enabled) SELECT phone, 'Cisco 8851', 'SIP', true FROM made;
        INSERT INTO users (pk, last_name) SELECT person, 'Test' FROM made;
        INSERT INTO device_profiles (pk, model, protocol) SELECT profile, 'Cisco 8851', 'SIP' FROM made;
        INSERT INTO sessions (phone_pk, user_pk, profile_pk, session_id, started_at, expires_at, login_method, exclusive)
            SELECT phone, person, profile, gen_random_uuid(), now(), {end}, 'API', true FROM made;")).unwrap();
}
