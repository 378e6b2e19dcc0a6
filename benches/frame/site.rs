//! A site of many phones, each with a user, a profile and a line: the first of each is made through the API, as a client would,
//! the others are multiplied from it in SQL.
//!
//! A million phones are made without rows of `object_references`, which only keep objects from being removed: no login and no get reads
//! them.

use std::process::{Command, Stdio};

use super::Outcome;
use super::gateway::{Gateway, Role};
use super::lab::Lab;
use super::load::Target;
use super::requests::Sender;
use super::table::progress;

/// The database that all sites are copied from: one phone, user, profile and line.
const BASE: &str = "bench_base";

/// The largest site whose references are filled in too.
const MOST_WITH_REFERENCES: usize = 100_000;

/// The message parts that make the first of each.
pub(crate) const FIRST: [(&str, &str); 7] = [
    (
        "addRoutePartition",
        "<routePartition><name>Desks</name><description>Bench</description></routePartition>",
    ),
    (
        "addCss",
        "<css><description>Bench</description><members><member><routePartitionName>Desks</routePartitionName><index>1</index></member></members><partitionUsage>General</partitionUsage><name>Calls</name></css>",
    ),
    (
        "addLine",
        "<line><pattern>8000000</pattern><description>Line 000000</description><usage>Device</usage><routePartitionName>Desks</routePartitionName></line>",
    ),
    (
        "addPhone",
        "<phone><name>SEP0A1B2C000000</name><description>Desk 000000</description><product>Cisco 8851</product><class>Phone</class><protocol>SIP</protocol><protocolSide>User</protocolSide><callingSearchSpaceName>Calls</callingSearchSpaceName><devicePoolName>Default</devicePoolName><lines><line><index>1</index><label>8000000</label><display>Desk 000000</display><dirn><pattern>8000000</pattern><routePartitionName>Desks</routePartitionName></dirn></line></lines><enableExtensionMobility>true</enableExtensionMobility></phone>",
    ),
    (
        "addDeviceProfile",
        "<deviceProfile><name>Profile 000000</name><description>Anywhere 000000</description><product>Cisco 8851</product><class>Device Profile</class><protocol>SIP</protocol><protocolSide>User</protocolSide><lines><line><index>1</index><label>Person 000000</label><display>Person 000000</display><dirn><pattern>8000000</pattern><routePartitionName>Desks</routePartitionName></dirn></line></lines></deviceProfile>",
    ),
    (
        "addUser",
        "<user><firstName>Person</firstName><lastName>Number 000000</lastName><userid>user000000</userid><pin>24680</pin><phoneProfiles><profileName>Profile 000000</profileName></phoneProfiles><defaultProfile>Profile 000000</defaultProfile><presenceGroupName>Standard Presence group</presenceGroupName></user>",
    ),
    (
        "updateServiceParameter",
        "<processNodeName>bench</processNodeName><name>MaximumConcurrentRequests</name><service>Cisco Extension Mobility</service><value>1000</value>",
    ),
];

/// Multiplies the first of each; `:n` is how many there are to be, the one included.
const MULTIPLY: &str = r"
SET session_replication_role = replica;  -- the rows are right by construction: no foreign key is looked up
SET synchronous_commit = off;
SET maintenance_work_mem = '512MB';
CREATE TEMP TABLE first_of AS
    SELECT o.*, row_number() OVER (ORDER BY o.pk) - 1 AS place FROM objects o WHERE o.name LIKE '%000000';
CREATE TEMP TABLE base AS SELECT max(pk) + 1 AS pk FROM objects;
CREATE TEMP VIEW numbers AS SELECT n, lpad(n::text, 6, '0') AS digits FROM generate_series(1, :n - 1) AS n;
CREATE TEMP VIEW copies AS  -- the keys of the nth copy of the object that was first
    SELECT f.pk AS first_pk, n.n, n.digits, b.pk + f.place * :n + n.n AS pk FROM first_of f, numbers n, base b;
INSERT INTO objects (pk, type, name, name_key, description, uuid, carried, revision, changed_at, seeded)
    SELECT c.pk, f.type, replace(f.name, '000000', c.digits), replace(f.name_key, '000000', c.digits),
        replace(f.description, '000000', c.digits), gen_random_uuid(), f.carried, f.revision, f.changed_at, f.seeded
    FROM copies c JOIN first_of f ON f.pk = c.first_pk ORDER BY c.pk;
SELECT setval(pg_get_serial_sequence('objects', 'pk'), (SELECT max(pk) FROM objects));
INSERT INTO phones SELECT c.pk, x.model, x.protocol, x.em_enabled, x.logout_profile_pk
    FROM copies c JOIN phones x ON x.pk = c.first_pk ORDER BY c.pk;
INSERT INTO device_profiles SELECT c.pk, x.model, x.protocol
    FROM copies c JOIN device_profiles x ON x.pk = c.first_pk ORDER BY c.pk;
INSERT INTO lines SELECT c.pk, replace(x.pattern, '000000', c.digits), x.partition_pk, x.usage, x.default_device_pk
    FROM copies c JOIN lines x ON x.pk = c.first_pk ORDER BY c.pk;
INSERT INTO users SELECT c.pk, x.first_name, replace(x.last_name, '000000', c.digits), x.department, x.home_cluster, x.max_login_seconds,
        d.pk, NULL, NULL
    FROM copies c JOIN users x ON x.pk = c.first_pk LEFT JOIN copies d ON d.first_pk = x.default_profile_pk AND d.n = c.n ORDER BY c.pk;
INSERT INTO line_appearances SELECT c.pk, x.index, l.pk, gen_random_uuid(), replace(x.settings::text, '000000', c.digits)::jsonb
    FROM copies c JOIN line_appearances x ON x.owner_pk = c.first_pk JOIN copies l ON l.first_pk = x.line_pk AND l.n = c.n ORDER BY c.pk;
INSERT INTO associations SELECT c.pk, x.kind, coalesce(t.pk, x.target_pk), x.position
    FROM copies c JOIN associations x ON x.holder_pk = c.first_pk LEFT JOIN copies t ON t.first_pk = x.target_pk AND t.n = c.n ORDER BY c.pk;
INSERT INTO credentials SELECT c.pk, x.kind, x.hash, x.pepper_id, x.version, x.failed, x.failed_at, x.locked_until, x.changed_at
    FROM copies c JOIN credentials x ON x.holder_pk = c.first_pk ORDER BY c.pk;
\if :references
INSERT INTO object_references SELECT c.pk, x.tag, coalesce(t.pk, x.target_pk)
    FROM copies c JOIN object_references x ON x.owner_pk = c.first_pk LEFT JOIN copies t ON t.first_pk = x.target_pk AND t.n = c.n;
\endif
TRUNCATE event_log, event_pending;
DROP VIEW copies, numbers;
VACUUM (ANALYZE);
";

/// Makes a database with so many phones.
pub(crate) fn make(lab: &Lab, name: &str, phones: usize) -> Outcome<()> {
    if lab.server.sql("postgres", &format!("SELECT 1 FROM pg_database WHERE datname = '{BASE}'"))?.is_empty()
    {
        progress("making a first phone, user, profile and line through the API");
        make_base(lab)?;
    }
    progress(&format!("filling a database with {phones} phones, users, profiles and lines"));
    lab.server.copy(name, BASE)?;
    lab.server.sql(
        name,
        &format!("\\set n {phones}\n\\set references {}\n{MULTIPLY}", phones <= MOST_WITH_REFERENCES),
    )?;
    lab.server.settle()
}

/// Removes what an earlier run has left, its administrator included.
pub(crate) fn remove(lab: &Lab) -> Outcome<()> {
    let left = lab.server.sql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'bench%'")?;
    for name in left.lines() {
        lab.server.drop(name)?;
    }
    if lab.state().exists() {
        std::fs::remove_dir_all(lab.state())?;
    }
    Ok(())
}

fn make_base(lab: &Lab) -> Outcome<()> {
    lab.server.sql("postgres", &format!("CREATE DATABASE {BASE}"))?;
    let mut migrate = Command::new(env!("CARGO_BIN_EXE_emgate"));
    migrate
        .arg("migrate")
        .env("DATABASE_URL", lab.server.url(BASE))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    if !migrate.status()?.success() {
        return Err("emgate migrate did not succeed".into());
    }
    let gateway = lab.gateway(BASE, &Role { roles: "http", ..Role::default() })?;
    fill_base(&gateway)?;
    gateway.stop()
}

fn fill_base(gateway: &Gateway) -> Outcome<()> {
    let (target, sender) = (Target::of(gateway)?, Sender::admin(&gateway.password()?));
    for (operation, inner) in FIRST {
        target.once(sender.call(operation, inner).numbered(0))?;
    }
    Ok(())
}
