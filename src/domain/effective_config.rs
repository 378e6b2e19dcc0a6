//! What a phone shows now, logged in or not (design.md 19): computed from phone, profile and default profile when it is read.
//!
//! The provisioning API's `currentConfig`, the login event and later the configuration file all come from here; nothing of it is stored.

use serde_json::{Map, Value};

use super::event::{EventLocale, LineKind, PhoneAction, PhoneActionCause, ProfileMatch, ServicesFrom};
use super::ids::PhonePk;
use super::snapshot::{Appearance, DeviceProfile, EndUser, Phone};

/// The settings of one object as far as they decide what is shown.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// Name of the object.
    pub name: &'a str,
    /// Model in the spelling of the provisioning API.
    pub model: &'a str,
    /// Carried settings under their tags.
    pub carried: &'a Value,
}

/// What a phone shows.
#[derive(Debug, Clone, Copy)]
pub struct EffectiveConfig<'a> {
    /// The phone itself.
    pub phone: Layer<'a>,
    /// Protocol of the phone.
    pub protocol: &'a str,
    /// Whether the model of the phone shows phone services.
    pub has_services: bool,
    /// The profile that is logged in, else the logout profile, else none.
    pub profile: Option<Layer<'a>>,
    /// The default profile of the phone's model.
    pub default_profile: Option<Layer<'a>>,
    /// Locale of the person who is logged in.
    pub user_locale: Option<&'a str>,
}

/// Follow the person whatever the model is.
const FROM_PROFILE: [&str; 14] = [
    "userHoldMohAudioSourceId",
    "mlppDomainId",
    "mlppIndicationStatus",
    "preemption",
    "ignorePresentationIndicators",
    "singleButtonBarge",
    "joinAcrossLines",
    "callInfoPrivacyStatus",
    "dndStatus",
    "dndRingSetting",
    "dndOption",
    "alwaysUsePrimeLine",
    "alwaysUsePrimeLineForVoiceMessage",
    "emccCallingSearchSpaceName",
];
/// Belong to the model: profile on a match, else the default profile of the model, which names them otherwise.
const FROM_MODEL: [(&str, &str); 2] =
    [("phoneTemplateName", "phoneButtonTemplate"), ("softkeyTemplateName", "softkeyTemplate")];
/// Stay with the phone.
const FROM_PHONE: [&str; 10] = [
    "class",
    "addressMode",
    "allowAutoConfig",
    "remoteSrstOption",
    "remoteSrstIp",
    "remoteSrstPort",
    "remoteSipSrstIp",
    "remoteSipSrstPort",
    "geolocationInfo",
    "remoteLocationName",
];
/// A mismatching default profile switches these on where the profile leaves them to the default (EM-120).
const PRIME_LINE: [&str; 2] = ["alwaysUsePrimeLine", "alwaysUsePrimeLineForVoiceMessage"];

impl<'a> Layer<'a> {
    fn given(&self, tag: &str) -> Option<&'a Value> {
        let value = self.carried.get(tag)?;
        let empty = value.is_null() || value.as_str().is_some_and(str::is_empty);
        (!empty).then_some(value)
    }

    fn text(&self, tag: &str) -> Option<&'a str> {
        self.given(tag).and_then(Value::as_str)
    }

    fn members(&self, group: &str, member: &str) -> &'a [Value] {
        let list = self.carried.get(group).and_then(|g| g.get(member)).and_then(Value::as_array);
        list.map_or(&[], Vec::as_slice)
    }

    fn add_on_models(&self) -> Vec<Option<&'a str>> {
        self.members("addOnModules", "addOnModule")
            .iter()
            .map(|m| m.get("model").and_then(Value::as_str))
            .collect()
    }
}

impl<'a> EffectiveConfig<'a> {
    /// What a phone shows once a user is logged in with a profile.
    pub fn of_login(phone: &'a Phone, profile: &'a DeviceProfile, user: &'a EndUser) -> Self {
        let default_profile = phone.default_profile.as_ref();
        Self {
            phone: Layer { name: &phone.name, model: &phone.model, carried: &phone.carried },
            protocol: &phone.protocol,
            has_services: phone.has_services,
            profile: Some(Layer { name: &profile.name, model: &profile.model, carried: &profile.carried }),
            default_profile: default_profile.map(|d| Layer {
                name: &d.name,
                model: &d.model,
                carried: &d.carried,
            }),
            user_locale: user.locale.as_deref(),
        }
    }

    /// Whether the profile is for the model of the phone; a phone without profile matches itself.
    pub fn profile_match(&self) -> ProfileMatch {
        match self.profile {
            Some(profile) if !profile.model.eq_ignore_ascii_case(self.phone.model) => {
                ProfileMatch::ModelDefault
            }
            Some(_) | None => ProfileMatch::Exact,
        }
    }

    /// Name of the default profile that stands in, when one does.
    pub fn default_profile_name(&self) -> Option<&'a str> {
        self.stand_in().map(|layer| layer.name)
    }

    fn stand_in(&self) -> Option<Layer<'a>> {
        match self.profile_match() {
            ProfileMatch::ModelDefault => self.default_profile,
            ProfileMatch::Exact => None,
        }
    }

    /// The layer whose templates and add-on modules count.
    fn model_layer(&self) -> Layer<'a> {
        match self.profile_match() {
            ProfileMatch::Exact => self.profile.unwrap_or(self.phone),
            ProfileMatch::ModelDefault => self.default_profile.unwrap_or(self.phone),
        }
    }

    /// Where the phone services come from while somebody is logged in (EM-020, EM-021).
    pub fn services_from(&self) -> ServicesFrom {
        let has_services =
            |layer: Layer<'_>| self.has_services && !layer.members("services", "service").is_empty();
        if self.profile.is_some_and(has_services) {
            ServicesFrom::Profile
        } else if self.stand_in().is_some_and(has_services) {
            ServicesFrom::DefaultProfile
        } else {
            ServicesFrom::None
        }
    }

    /// Locales of person and phone; either of profile and user that differs is a mismatch (EM-132).
    pub fn locale(&self) -> EventLocale {
        let device = self.phone.text("userLocale");
        let wanted = [self.profile.and_then(|p| p.text("userLocale")), self.user_locale];
        let mismatch = wanted.iter().flatten().any(|locale| Some(*locale) != device);
        let user = wanted.into_iter().flatten().next().or(device);
        EventLocale { user: user.map(str::to_owned), device: device.map(str::to_owned), mismatch }
    }

    /// How the phone takes on a login that leads here.
    pub fn phone_action(&self) -> (PhoneAction, Option<PhoneActionCause>) {
        if self.locale().mismatch {
            (PhoneAction::Reset, Some(PhoneActionCause::Locale))
        } else if self.profile.is_some() && self.model_layer().add_on_models() != self.phone.add_on_models() {
            (PhoneAction::Reset, Some(PhoneActionCause::AddOn))
        } else {
            (PhoneAction::Restart, None)
        }
    }

    /// The fields of `currentConfig`, in carried form; an absent field is null.
    pub fn current_config(&self) -> Map<String, Value> {
        let own = self.profile.unwrap_or(self.phone);
        let mut fields = Map::new();
        for tag in FROM_PROFILE {
            fields.insert(tag.to_owned(), self.personal(own, tag));
        }
        for (tag, default_tag) in FROM_MODEL {
            let layer = self.model_layer();
            let value = layer.given(tag).or_else(|| layer.given(default_tag));
            fields.insert(tag.to_owned(), value.cloned().unwrap_or(Value::Null));
        }
        for tag in FROM_PHONE {
            fields.insert(tag.to_owned(), self.phone.given(tag).cloned().unwrap_or(Value::Null));
        }
        if fields.get("class").is_none_or(Value::is_null) {
            fields.insert("class".to_owned(), Value::from("Phone"));
        }
        for (tag, text) in [
            ("deviceName", self.phone.name),
            ("model", self.phone.model),
            ("product", self.phone.model),
            ("deviceProtocol", self.protocol),
        ] {
            fields.insert(tag.to_owned(), Value::from(text));
        }
        fields
    }

    fn personal(&self, own: Layer<'a>, tag: &str) -> Value {
        let value = own.given(tag);
        let open = value.is_none_or(|v| v.as_str() == Some("Default"));
        let stand_in = if open && PRIME_LINE.contains(&tag) { self.stand_in() } else { None };
        stand_in.and_then(|layer| layer.given(tag)).or(value).cloned().unwrap_or(Value::Null)
    }
}

/// The lines that a phone presents: intercom lines only on their default device.
pub fn presented(appearances: &[Appearance], phone: PhonePk) -> impl Iterator<Item = &Appearance> {
    appearances.iter().filter(move |a| match a.kind() {
        LineKind::Line => true,
        LineKind::Intercom => a.default_phone == Some(phone),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config<'a>(
        phone: Layer<'a>,
        protocol: &'a str,
        profile: Option<Layer<'a>>,
        default_profile: Option<Layer<'a>>,
        user_locale: Option<&'a str>,
    ) -> EffectiveConfig<'a> {
        EffectiveConfig { phone, protocol, has_services: true, profile, default_profile, user_locale }
    }

    fn layer<'a>(name: &'a str, model: &'a str, carried: &'a Value) -> Layer<'a> {
        Layer { name, model, carried }
    }

    #[test]
    fn a_matching_profile_counts_as_a_whole() {
        let phone = json!({"phoneTemplateName": {"ref": 1}, "userLocale": "English United States"});
        let profile = json!({"phoneTemplateName": {"ref": 2}, "userLocale": "English United States",
            "dndStatus": "true", "services": {"service": [{"name": "EM"}]}});
        let config = config(
            layer("SEP1", "Cisco 8851", &phone),
            "SIP",
            Some(layer("UDP", "Cisco 8851", &profile)),
            None,
            None,
        );
        assert_eq!(config.profile_match(), ProfileMatch::Exact);
        assert_eq!(config.services_from(), ServicesFrom::Profile);
        assert_eq!(config.phone_action(), (PhoneAction::Restart, None));
        let current = config.current_config();
        assert_eq!(current.len(), 30);
        assert_eq!(current["phoneTemplateName"], json!({"ref": 2}));
        assert_eq!(current["dndStatus"], json!("true"));
        assert_eq!(current["product"], json!("Cisco 8851"));
    }

    #[test]
    fn a_mismatch_takes_templates_and_missing_services_from_the_default_profile() {
        let phone = json!({"userLocale": "English United States", "addOnModules": {"addOnModule": []}});
        let profile = json!({"phoneTemplateName": {"ref": 2}, "userLocale": "Italian Italy",
            "userHoldMohAudioSourceId": "3", "alwaysUsePrimeLine": "Default"});
        let model = json!({"phoneButtonTemplate": {"ref": 7}, "alwaysUsePrimeLine": "On",
            "services": {"service": [{"name": "EM"}]}});
        let config = config(
            layer("SEP1", "Cisco 7905", &phone),
            "SCCP",
            Some(layer("UDP", "Cisco 7960", &profile)),
            Some(layer("7905 default", "Cisco 7905", &model)),
            None,
        );
        assert_eq!(config.profile_match(), ProfileMatch::ModelDefault);
        assert_eq!(config.default_profile_name(), Some("7905 default"));
        assert_eq!(config.services_from(), ServicesFrom::DefaultProfile);
        assert_eq!(config.phone_action(), (PhoneAction::Reset, Some(PhoneActionCause::Locale)));
        let current = config.current_config();
        assert_eq!(current["phoneTemplateName"], json!({"ref": 7}));
        assert_eq!(current["userHoldMohAudioSourceId"], json!("3"));
        assert_eq!(current["alwaysUsePrimeLine"], json!("On"));
    }

    #[test]
    fn without_a_profile_the_phone_shows_its_own_settings() {
        let phone = json!({"phoneTemplateName": {"ref": 1}});
        let config = config(layer("SEP1", "Cisco 8851", &phone), "SIP", None, None, None);
        assert_eq!(config.current_config()["phoneTemplateName"], json!({"ref": 1}));
        assert_eq!(config.services_from(), ServicesFrom::None);
        assert_eq!(config.locale(), EventLocale { user: None, device: None, mismatch: false });
    }

    #[test]
    fn other_add_on_modules_need_a_reset() {
        let with = json!({"addOnModules": {"addOnModule": [{"model": "CP-8800-A-KEM", "index": "1"}]}});
        let without = json!({});
        let config = config(
            layer("SEP1", "Cisco 8851", &with),
            "SIP",
            Some(layer("UDP", "Cisco 8851", &without)),
            None,
            None,
        );
        assert_eq!(config.phone_action(), (PhoneAction::Reset, Some(PhoneActionCause::AddOn)));
    }
}
