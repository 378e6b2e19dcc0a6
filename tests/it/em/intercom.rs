//! Default devices of intercom lines: chosen at login, set, and emptied when the phone goes.

use emgate::domain::event::Via;
use emgate::em::cascade;
use emgate::event;
use emgate::store::objects;
use serde_json::json;

use crate::support::site::Site;

#[tokio::test]
async fn an_intercom_line_without_default_device_takes_the_phone_of_the_next_login() {
    let site = Site::new();
    site.phone("SEP0000000000A1");
    let elsewhere = site.phone("SEP0000000000A2");
    let profile = site.profile("UDP_ada");
    let (line, kept) = (site.intercom("7001", None), site.intercom("7002", Some(elsewhere)));
    site.put_line(profile.0, 1, line, &json!({"label": "Boss"}));
    site.put_line(profile.0, 2, kept, &json!({}));
    let revisions = || [line, kept].map(|line| site.write(|tx| objects::get(tx, line.into())).revision);
    let before = revisions();
    site.user("ada", &[profile]);
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    assert_eq!(site.story(), ["login SEP0000000000A1 ada", "intercom 7001 SEP0000000000A1 auto-selected"]);
    let events = site.events();
    let dns: Vec<&str> =
        events[0].1["lines"].as_array().unwrap().iter().filter_map(|l| l["dn"].as_str()).collect();
    assert_eq!(dns, ["7001"]);
    assert_eq!(events[1].1["owner"]["name"], "UDP_ada");
    assert_eq!(events[1].1["previous"], json!(null));
    assert_eq!(revisions(), [before[0] + 1, before[1]]);
}

#[tokio::test]
async fn the_parameter_restores_not_choosing() {
    let site = Site::new();
    site.phone("SEP0000000000A1");
    site.parameter("IntercomDefaultDeviceByAXL", "F");
    let profile = site.profile("UDP_ada");
    site.put_line(profile.0, 1, site.intercom("7001", None), &json!({}));
    site.user("ada", &[profile]);
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    assert_eq!(site.events()[0].1["lines"], json!([]));
    assert_eq!(site.events().len(), 1);
}

#[tokio::test]
async fn default_devices_are_set_changed_chosen_and_emptied_with_their_events() {
    let site = Site::new();
    let (one, two) = (site.phone("SEP0000000000A1"), site.phone("SEP0000000000A2"));
    let profile = site.profile("UDP_ada");
    let line = site.intercom("7001", None);
    site.put_line(profile.0, 1, line, &json!({}));
    let on_phone = site.intercom("7002", None);
    site.put_line(two.0, 1, on_phone, &json!({}));
    let cause = site.cause(Via::Soap);
    let origin = site.em.origin().clone();
    site.write(|tx| {
        let mut events = cascade::set_default_device(tx, line, Some(one), &cause)?;
        events.extend(cascade::set_default_device(tx, line, Some(one), &cause)?);
        events.extend(cascade::set_default_device(tx, line, Some(two), &cause)?);
        let (chosen, there) = cascade::assign_intercom(tx, two.into(), &cause)?;
        assert_eq!(there, [on_phone]);
        events.extend(chosen);
        let (cleared, lines) = cascade::clear_default_device(tx, two, &cause)?;
        assert_eq!(lines.len(), 2);
        events.extend(cleared);
        event::append(tx, &origin, &cause, events).map_err(|e| match e {
            event::EventError::Store(e) => e,
            other => panic!("{other}"),
        })
    });
    assert_eq!(
        site.story(),
        [
            "intercom 7001 SEP0000000000A1 assigned",
            "intercom 7001 SEP0000000000A2 reassigned",
            "intercom 7002 SEP0000000000A2 auto-selected",
            "intercom 7001 - cleared-device-removed",
            "intercom 7002 - cleared-device-removed"
        ]
    );
    assert_eq!(site.events()[3].1["requestedBy"]["via"], "cascade");
}
