//! Removing an object while somebody begins to hold it: whoever loses it is told of, and nobody holds what is gone.

use diesel::connection::{Connection, SimpleConnection};
use diesel::pg::PgConnection;

use crate::support::axl::{AxlSite, Caller};
use crate::support::database::await_lock_waiters;

const PHONE: &str = "SEP0000000000A1";

fn site() -> AxlSite {
    let axl = AxlSite::new();
    let model = "<product>Cisco 8851</product><protocol>SIP</protocol>";
    axl.uuid("addPhone", &format!("<phone><name>{PHONE}</name>{model}</phone>"));
    axl.uuid("addPhone", &format!("<phone><name>SEP0000000000A2</name>{model}</phone>"));
    axl.uuid("addDeviceProfile", &format!("<deviceProfile><name>UDP</name>{model}</deviceProfile>"));
    axl.uuid("addLine", "<line><pattern>2001</pattern></line>");
    axl.uuid("addUser", "<user><lastName>Ada</lastName><userid>ada</userid></user>");
    axl.uuid("addAppUser", "<appUser><userid>recorder</userid></appUser>");
    axl
}

/// Who begins to hold something, what goes, and what is told of the two when the holder was first.
struct Case {
    table: &'static str,
    begins: (&'static str, String),
    goes: (&'static str, String),
    told: [&'static str; 3],
}

fn cases() -> Vec<Case> {
    let holds = |tag: &str, member: &str, name: &str| format!("<{tag}><{member}>{name}</{member}></{tag}>");
    let ada = |what: String| ("updateUser", format!("<userid>ada</userid>{what}"));
    let recorder = |what: String| ("updateAppUser", format!("<userid>recorder</userid>{what}"));
    vec![
        Case {
            table: "associations",
            begins: ada(holds("associatedDevices", "device", PHONE)),
            goes: ("removePhone", format!("<name>{PHONE}</name>")),
            told: [
                "update User ada associatedDevices=-",
                "update User ada associatedDevices=-",
                "remove Phone SEP0000000000A1",
            ],
        },
        Case {
            table: "associations",
            begins: ada(holds("phoneProfiles", "profileName", "UDP")),
            goes: ("removeDeviceProfile", "<name>UDP</name>".into()),
            told: [
                "update User ada phoneProfiles=-",
                "update User ada phoneProfiles=-",
                "remove DeviceProfile UDP",
            ],
        },
        Case {
            table: "associations",
            begins: recorder(holds("associatedDevices", "device", PHONE)),
            goes: ("removePhone", format!("<name>{PHONE}</name>")),
            told: [
                "update AppUser recorder associatedDevices=-",
                "update AppUser recorder associatedDevices=-",
                "remove Phone SEP0000000000A1",
            ],
        },
        Case {
            table: "line_appearances",
            begins: ("updatePhone", "<name>SEP0000000000A2</name><lines><line><index>1</index><dirn><pattern>2001</pattern></dirn></line></lines>".into()),
            goes: ("removeLine", "<pattern>2001</pattern>".into()),
            told: ["update Phone SEP0000000000A2 lines=-", "update Phone SEP0000000000A2 lines=-", "remove Line 2001|"],
        },
    ]
}

#[test]
fn whoever_begins_to_hold_what_is_being_removed_is_told_of_its_loss() {
    for Case { table, begins, goes, told } in cases() {
        let axl = site();
        let mut gate = PgConnection::establish(&axl.site.database.url).unwrap();
        gate.batch_execute(&format!(
            "SELECT pg_advisory_lock(1); CREATE FUNCTION at_the_gate() RETURNS trigger LANGUAGE plpgsql AS $$ \
             BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END $$; \
             CREATE TRIGGER at_the_gate AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION at_the_gate()",
        ))
        .unwrap();
        let story = axl.story_of(|axl| {
            std::thread::scope(|scope| {
                let first = scope.spawn(|| axl.call(begins.0, &begins.1));
                await_lock_waiters(&axl.site.database, 1);
                let second = scope.spawn(|| axl.call(goes.0, &goes.1));
                await_lock_waiters(&axl.site.database, 2);
                gate.batch_execute("SELECT pg_advisory_unlock(1)").unwrap();
                for answer in [first.join().unwrap(), second.join().unwrap()] {
                    assert_eq!(answer.status, 200, "{}", answer.body);
                }
            });
        });
        assert_eq!(story, told);
    }
}

#[test]
fn what_is_removed_first_can_be_held_by_nobody() {
    for Case { table: _, begins, goes, told } in cases() {
        let axl = site();
        let mut gate = PgConnection::establish(&axl.site.database.url).unwrap();
        gate.batch_execute(
            "SELECT pg_advisory_lock(1); CREATE FUNCTION at_the_gate() RETURNS trigger LANGUAGE plpgsql AS $$ \
             BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END $$; \
             CREATE TRIGGER at_the_gate AFTER DELETE ON objects FOR EACH ROW EXECUTE FUNCTION at_the_gate()",
        )
        .unwrap();
        let story = axl.story_of(|axl| {
            std::thread::scope(|scope| {
                let first = scope.spawn(|| axl.call(goes.0, &goes.1));
                await_lock_waiters(&axl.site.database, 1);
                let second = scope.spawn(|| axl.call(begins.0, &begins.1));
                await_lock_waiters(&axl.site.database, 2);
                gate.batch_execute("SELECT pg_advisory_unlock(1)").unwrap();
                assert_eq!(first.join().unwrap().status, 200);
                let late = second.join().unwrap();
                match goes.0 {
                    // a number that is not there is made
                    "removeLine" => assert_eq!(late.status, 200, "{}", late.body),
                    _ => assert_eq!(late.fault().code, 5003, "{}", late.body),
                }
            });
        });
        let made: &[&str] = if goes.0 == "removeLine" { &["add Line 2001|", told[1]] } else { &[] };
        assert_eq!(story[0], told[2]);
        assert_eq!(story[1..], *made);
    }
}
