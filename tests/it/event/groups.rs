//! The order of the events of one operation (events.md, section 8): a test for each row of the table that exists.

use emgate::domain::login::OccupantRule;
use emgate::domain::logout::LogoutOrigin;
use emgate::em::sweep;
use emgate::store::{Db, StoreError, schema};
use serde_json::{Value, json};

use crate::support::axl::{AxlSite, Caller, told as told_of_change};
use crate::support::site::told;
use diesel::prelude::*;

const ONE: &str = "SEP0000000000A1";
const TWO: &str = "SEP0000000000A2";

/// Two phones; ada and bob with a profile each; call logs are cleared.
fn site() -> AxlSite {
    let axl = AxlSite::new();
    axl.site.phone(ONE);
    axl.site.phone(TWO);
    for user in ["ada", "bob"] {
        let profile = axl.site.profile(&format!("UDP_{user}"));
        axl.site.user(user, &[profile]);
    }
    axl.site.parameter("ClearCallLogs", "T");
    axl
}

fn envelopes(db: &Db) -> Vec<Value> {
    use schema::event_log as log;
    let all = |tx: &mut emgate::store::Tx<'_>| -> Result<Vec<Value>, StoreError> {
        Ok(log::table.order(log::seq).select(log::envelope).load(tx.connection())?)
    };
    db.write_blocking(all).unwrap()
}

/// The events of one operation, one line each, with the place of the event that led to it. They count themselves and share an identity.
fn operation(axl: &AxlSite, f: impl FnOnce(&AxlSite)) -> Vec<String> {
    let before = envelopes(&axl.site.db).len();
    f(axl);
    let events = envelopes(&axl.site.db).split_off(before);
    let place_of = |id: &Value| events.iter().position(|e| e["id"] == *id).unwrap() + 1;
    let mut lines = Vec::new();
    for (index, event) in events.iter().enumerate() {
        assert_eq!((&event["emopindex"], &event["emopcount"]), (&json!(index + 1), &json!(events.len())));
        assert_eq!(event["correlationid"], events[0]["correlationid"]);
        let type_ = event["type"].as_str().unwrap();
        let line = told_of_change(&told(type_, &event["data"]), type_, &event["data"]);
        match event.get("causationid") {
            Some(id) => lines.push(format!("{line} <- {}", place_of(id))),
            None => lines.push(line),
        }
    }
    lines
}

fn log_in(axl: &AxlSite, phone: &str, user: &str) {
    axl.runtime.block_on(axl.site.log_in_with_pin(phone, user)).unwrap();
}

fn log_out(axl: &AxlSite, phone: &str, origin: LogoutOrigin) {
    axl.runtime.block_on(axl.site.log_out(phone, origin)).unwrap();
}

#[test]
fn login_and_sign_out_at_a_phone() {
    let axl = site();
    assert_eq!(
        operation(&axl, |axl| log_in(axl, ONE, "ada")),
        ["login SEP0000000000A1 ada", "call-log SEP0000000000A1 manual-login <- 1"]
    );
    assert_eq!(
        operation(&axl, |axl| log_out(axl, ONE, LogoutOrigin::Phone)),
        ["logout SEP0000000000A1 ada user", "call-log SEP0000000000A1 manual-logout <- 1"]
    );
}

#[test]
fn login_where_another_user_was_logged_in() {
    let axl = site();
    log_in(&axl, ONE, "ada");
    let displace = |axl: &AxlSite| {
        let mut attempt = axl.site.attempt(ONE, "bob");
        attempt.occupant = OccupantRule::Displace;
        axl.runtime.block_on(axl.site.em.login(attempt)).unwrap();
    };
    assert_eq!(
        operation(&axl, displace),
        ["logout SEP0000000000A1 ada next-user", "login SEP0000000000A1 bob"]
    );
}

#[test]
fn login_with_automatic_logout_elsewhere() {
    let axl = site();
    for phone in ["SEP0000000000A5", "SEP0000000000A4", "SEP0000000000A3"] {
        axl.site.phone(phone);
    }
    axl.site.parameter("MultipleLoginBehavior", "Multiple Logins Allowed");
    for phone in ["SEP0000000000A4", "SEP0000000000A5", "SEP0000000000A3"] {
        log_in(&axl, phone, "ada");
    }
    axl.site.parameter("MultipleLoginBehavior", "Auto Logout");
    assert_eq!(
        operation(&axl, |axl| log_in(axl, ONE, "ada")),
        [
            "logout SEP0000000000A3 ada multiple-login",
            "logout SEP0000000000A4 ada multiple-login",
            "logout SEP0000000000A5 ada multiple-login",
            "login SEP0000000000A1 ada",
            "call-log SEP0000000000A1 manual-login <- 4"
        ]
    );
}

#[test]
fn a_time_limit_that_is_reached_and_a_logout_by_a_program_clear_no_call_log() {
    let axl = site();
    axl.site.parameter("IntraClusterMaxLoginTime", "8:00");
    log_in(&axl, ONE, "ada");
    axl.site.clock.advance_seconds(9 * 3600);
    let sweep = |axl: &AxlSite| assert_eq!(axl.runtime.block_on(sweep::step(&axl.site.em)), Ok(1));
    assert_eq!(operation(&axl, sweep), ["logout SEP0000000000A1 ada timeout"]);
    log_in(&axl, ONE, "ada");
    let logout = |axl: &AxlSite| drop(axl.ok("doDeviceLogout", &format!("<deviceName>{ONE}</deviceName>")));
    assert_eq!(operation(&axl, logout), ["logout SEP0000000000A1 ada administrator"]);
}

#[test]
fn a_phone_that_is_deleted() {
    let axl = site();
    let phone = emgate::domain::ids::PhonePk(axl.site.write(|tx| {
        use schema::objects;
        Ok(objects::table.filter(objects::name.eq(ONE)).select(objects::pk).first::<i64>(tx.connection())?)
    }));
    axl.site.intercom("7002", Some(phone));
    axl.site.intercom("7001", Some(phone));
    log_in(&axl, ONE, "ada");
    let remove = |axl: &AxlSite| drop(axl.uuid("removePhone", &format!("<name>{ONE}</name>")));
    assert_eq!(
        operation(&axl, remove),
        [
            "logout SEP0000000000A1 ada device-removed",
            "intercom 7001 - cleared-device-removed",
            "intercom 7002 - cleared-device-removed",
            "update Line 7001| defaultActivatedDeviceName=-",
            "update Line 7002| defaultActivatedDeviceName=-",
            "remove Phone SEP0000000000A1"
        ]
    );
}

#[test]
fn a_user_who_is_deleted() {
    let axl = site();
    axl.site.parameter("MultipleLoginBehavior", "Multiple Logins Allowed");
    log_in(&axl, TWO, "ada");
    log_in(&axl, ONE, "ada");
    let remove = |axl: &AxlSite| drop(axl.uuid("removeUser", "<userid>ada</userid>"));
    assert_eq!(
        operation(&axl, remove),
        [
            "logout SEP0000000000A1 ada user-removed",
            "logout SEP0000000000A2 ada user-removed",
            "remove User ada"
        ]
    );
}

#[test]
fn what_a_change_ends_comes_before_it() {
    let axl = site();
    let update = |inner: &'static str| move |axl: &AxlSite| drop(axl.uuid("updatePhone", inner));
    log_in(&axl, ONE, "ada");
    let renamed = update("<name>SEP0000000000A1</name><newName>SEP0000000000A9</newName>");
    assert_eq!(
        operation(&axl, renamed),
        ["logout SEP0000000000A1 ada administrator", "update Phone SEP0000000000A9 name=SEP0000000000A9"]
    );
    log_in(&axl, TWO, "ada");
    let disabled =
        update("<name>SEP0000000000A2</name><enableExtensionMobility>false</enableExtensionMobility>");
    assert_eq!(
        operation(&axl, disabled),
        [
            "logout SEP0000000000A2 ada device-disabled",
            "update Phone SEP0000000000A2 enableExtensionMobility=false"
        ]
    );
    log_in(&axl, "SEP0000000000A9", "ada");
    let taken = |axl: &AxlSite| drop(axl.uuid("updateUser", "<userid>ada</userid><phoneProfiles/>"));
    assert_eq!(
        operation(&axl, taken),
        ["logout SEP0000000000A9 ada profile-unassigned", "update User ada phoneProfiles=-"]
    );
}

#[test]
fn a_profile_given_to_and_taken_from_an_application_user_and_the_user_deleted() {
    let axl = site();
    axl.site.app_user("recorder1", "secret secret");
    let change = |inner: &str| {
        let inner = format!("<userid>recorder1</userid>{inner}");
        move |axl: &AxlSite| drop(axl.uuid("updateAppUser", &inner))
    };
    let profiles =
        "<ctiControlledDeviceProfiles><deviceProfile>UDP_ada</deviceProfile></ctiControlledDeviceProfiles>";
    let told = ["update AppUser recorder1 ctiControlledDeviceProfiles=-"];
    assert_eq!(operation(&axl, change(profiles)), told);
    assert_eq!(operation(&axl, change("<ctiControlledDeviceProfiles/>")), told);
    let remove = |axl: &AxlSite| drop(axl.uuid("removeAppUser", "<userid>recorder1</userid>"));
    assert_eq!(operation(&axl, remove), ["remove AppUser recorder1"]);
}

#[test]
fn an_intercom_line_put_on_a_phone_while_its_default_device_is_empty() {
    let axl = site();
    axl.uuid("addLine", "<line><pattern>7001</pattern><usage>Device Intercom</usage></line>");
    let put = |axl: &AxlSite| {
        let lines = "<lines><line><index>1</index><dirn><pattern>7001</pattern></dirn></line></lines>";
        drop(axl.uuid("updatePhone", &format!("<name>{ONE}</name>{lines}")));
    };
    assert_eq!(
        operation(&axl, put),
        ["update Phone SEP0000000000A1 lines=-", "intercom 7001 SEP0000000000A1 auto-selected"]
    );
}

#[test]
fn a_parameter_that_implies_another() {
    let axl = site();
    let set = |axl: &AxlSite| {
        drop(axl.ok(
            "updateServiceParameter",
            "<processNodeName>EnterpriseWideData</processNodeName><name>IntraClusterMaxLoginTime</name>\
             <service>Cisco Extension Mobility</service><value>8:00</value>",
        ));
    };
    assert_eq!(
        operation(&axl, set),
        [
            "parameter IntraClusterMaxLoginTime - 0:00 -> 8:00",
            "parameter EnforceIntraClusterMaxLoginTime - F -> T implied <- 1"
        ]
    );
}
