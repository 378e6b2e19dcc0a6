//! What a phone shows as provisioning reads it.

use emgate::store::effective_config;
use serde_json::json;

use crate::support::site::Site;

#[tokio::test]
async fn a_matching_login_shows_the_profile_and_a_logout_the_phone() {
    let site = Site::new();
    let template = site.object("PhoneButtonTemplate", "Mine", &json!({}));
    let phone = site.phone("SEP0000000000A1");
    let profile = site.profile_with(
        "UDP_ada",
        "Cisco 8851",
        &json!({"phoneTemplateName": {"ref": template.0}, "dndStatus": "true"}),
    );
    site.user("ada", &[profile]);
    let before = site.write(|tx| effective_config::load(tx, &[phone]))[&phone].clone();
    assert_eq!(before["phoneTemplateName"], json!(null));
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    let during = site.write(|tx| effective_config::load(tx, &[phone]))[&phone].clone();
    assert_eq!(during["phoneTemplateName"], json!({"ref": template.0}));
    assert_eq!(during["dndStatus"], json!("true"));
    assert_eq!(during["deviceName"], json!("SEP0000000000A1"));
}

#[tokio::test]
async fn a_mismatch_takes_the_default_profile_of_the_model() {
    let site = Site::new();
    let phone = site.phone_with("SEP0000000000A1", "Cisco 7960", &json!({}), true);
    let (theirs, models) = (
        site.object("PhoneButtonTemplate", "Theirs", &json!({})),
        site.object("PhoneButtonTemplate", "Model", &json!({})),
    );
    let profile =
        site.profile_with("UDP_ada", "Cisco 8851", &json!({"phoneTemplateName": {"ref": theirs.0}}));
    site.default_profile(
        "7960 default",
        "Cisco 7960",
        &json!({"phoneButtonTemplate": {"ref": models.0}, "services": {"service": [{"name": "EM"}]}}),
    );
    site.user("ada", &[profile]);
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    let data = site.events()[0].1.clone();
    assert_eq!(data["profileMatch"], "model-default");
    assert_eq!(data["defaultProfileName"], "7960 default");
    assert_eq!(data["servicesFrom"], "default-profile");
    let shown = site.write(|tx| effective_config::load(tx, &[phone]))[&phone].clone();
    assert_eq!(shown["phoneTemplateName"], json!({"ref": models.0}));
}
