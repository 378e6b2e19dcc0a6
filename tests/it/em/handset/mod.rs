//! Whole conversations of simulated phones with a gateway, as models of three generations have them.

mod codes;
mod conversations;
mod pushes;
mod terminal;
mod timing;
mod web;

use emgate::domain::names::fold;
use emgate::handset::object::{Content, Object};
use emgate::handset::{Client, Display, Handset, Identity, Model, Trust};

use crate::support::axl::{AxlClient, Caller};
use crate::support::gateway::TestGateway;
use crate::support::site::{envelopes, sessions, story};

/// What a phone has called before the test.
const CALLED: [&str; 2] = ["2001", "2002"];
const SERVICE: &str = "/emapp/EMAppServlet?device=#DEVICENAME#&EMCC=#EMCC#";
const CHANGE_PIN: &str = "/changecredential/ChangeCredentialServlet?device=#DEVICENAME#";

/// A gateway with a phone of each model, some people and their extensions, provisioned over SOAP. All PINs are 13579.
struct Office {
    gateway: TestGateway,
    axl: AxlClient,
}

impl Office {
    fn new() -> Self {
        let gateway = TestGateway::start();
        let axl = AxlClient::of(&gateway);
        let office = Self { gateway, axl };
        for model in &emgate::handset::model::MODELS {
            for device in [device(model), second_device(model)] {
                office.add_phone(&device, model.product, true);
            }
        }
        for pattern in ["2001", "2002", "2003"] {
            office.axl.uuid(
                "addLine",
                &format!(
                    "<line><pattern>{pattern}</pattern><usage>Device</usage><routePartitionName/></line>"
                ),
            );
        }
        office.add_user(
            "ada",
            &["UDP_ada"],
            &format!("<selfService>5501</selfService>{}", extension("2001")),
        );
        office.add_user("bob", &["UDP_bob_desk", "UDP_bob_lab"], &extension("2002"));
        office
    }

    fn add_phone(&self, name: &str, product: &str, em: bool) {
        self.axl.uuid("addPhone", &format!("<phone><name>{name}</name><product>{product}</product><protocol>SIP</protocol><enableExtensionMobility>{em}</enableExtensionMobility></phone>"));
    }

    fn add_user(&self, id: &str, profiles: &[&str], more: &str) {
        let line = "<lines><line><index>1</index><dirn><pattern>2001</pattern><routePartitionName/></dirn></line><line><index>2</index><dirn><pattern>2002</pattern><routePartitionName/></dirn></line><line><index>3</index><dirn><pattern>2003</pattern><routePartitionName/></dirn></line></lines>";
        let add = |name: &&str| {
            self.axl.uuid("addDeviceProfile", &format!("<deviceProfile><name>{name}</name><product>Cisco 8851</product><protocol>SIP</protocol>{line}</deviceProfile>"));
            format!("<profileName>{name}</profileName>")
        };
        let profiles: String = profiles.iter().map(add).collect();
        self.axl.uuid("addUser", &format!("<user><lastName>Test</lastName><userid>{id}</userid><pin>13579</pin>{more}<phoneProfiles>{profiles}</phoneProfiles></user>"));
    }

    fn set(&self, name: &str, value: &str) {
        self.set_on("EnterpriseWideData", name, value);
    }

    fn set_on(&self, node: &str, name: &str, value: &str) {
        self.axl.uuid("updateServiceParameter", &format!("<processNodeName>{node}</processNodeName><name>{name}</name><service>Cisco Extension Mobility</service><value>{value}</value>"));
    }

    /// A phone whose user speaks English and has made calls.
    fn phone(&self, model: &'static Model) -> Talker<'_> {
        self.phone_named(&device(model), model, "en_US")
    }

    fn phone_named(&self, device: &str, model: &'static Model, language: &str) -> Talker<'_> {
        let identity = Identity { device: device.to_owned(), model, language: language.to_owned() };
        let mut handset = Handset::new(identity, Client::new(&Trust::System).unwrap());
        handset.call_log = CALLED.map(str::to_owned).into();
        let port = self.gateway.addresses.phone.unwrap().port();
        Talker { handset, base: format!("http://localhost:{port}"), office: self }
    }

    /// Who is on which phone.
    fn sessions(&self) -> Vec<(String, String)> {
        sessions(&self.gateway.database.open_real())
    }

    /// How many events of a type there are.
    fn told(&self, type_name: &str) -> usize {
        let all = envelopes(&self.gateway.database.open_real());
        all.iter().filter(|event| event["type"] == type_name).count()
    }

    /// Logins, logouts and cleared call logs, one line each.
    fn story(&self) -> Vec<String> {
        let told = story(&self.gateway.database.open_real());
        told.into_iter()
            .filter(|line| ["login ", "logout ", "call-log "].iter().any(|s| line.starts_with(s)))
            .collect()
    }
}

fn device(model: &Model) -> String {
    format!("SEP00000000{}", model.name)
}

fn second_device(model: &Model) -> String {
    format!("SEP11111111{}", model.name)
}

fn extension(pattern: &str) -> String {
    format!("<primaryExtension><pattern>{pattern}</pattern><routePartitionName/></primaryExtension>")
}

/// A phone and somebody who uses it.
struct Talker<'o> {
    handset: Handset,
    base: String,
    office: &'o Office,
}

impl Talker<'_> {
    /// Opens the service under its address.
    fn open(&mut self) -> &mut Self {
        self.open_with("")
    }

    fn open_with(&mut self, more: &str) -> &mut Self {
        self.handset.open(&format!("{}{SERVICE}{more}", self.base));
        self
    }

    /// Opens the service on which a PIN is changed.
    fn change_pin(&mut self) -> &mut Self {
        self.handset.open(&format!("{}{CHANGE_PIN}", self.base));
        self
    }

    fn fill(&mut self, texts: &[&str]) -> &mut Self {
        for (field, text) in texts.iter().enumerate() {
            assert!(self.handset.fill(field, text), "{:?}", self.handset.display());
        }
        self
    }

    fn press(&mut self, key: &str) -> &mut Self {
        assert!(self.handset.press_named(key), "no key {key}: {:?}", self.handset.display());
        self
    }

    fn choose(&mut self, entry: usize) -> &mut Self {
        assert!(self.handset.choose(entry), "no entry {entry}: {:?}", self.handset.display());
        self
    }

    fn log_in(&mut self, user: &str) -> &mut Self {
        self.open().fill(&[user, "13579"]).press("Submit")
    }

    fn log_out(&mut self) -> &mut Self {
        self.open().press("Yes")
    }

    fn object(&self) -> &Object {
        self.handset.object().unwrap_or_else(|| panic!("{:?}", self.handset.display()))
    }

    fn prompt(&self) -> &str {
        &self.object().prompt
    }

    fn text(&self) -> &str {
        let Content::Text { text } = &self.object().content else { panic!("{:?}", self.object()) };
        text
    }

    /// Labels of the form, what stands in it, and which keys type what.
    fn fields(&self) -> Vec<(&str, &str, &str)> {
        let Content::Input { items, .. } = &self.object().content else { panic!("{:?}", self.object()) };
        items.iter().map(|i| (i.label.as_str(), i.value.as_str(), i.flags.as_str())).collect()
    }

    /// Entries of the menu.
    fn entries(&self) -> Vec<&str> {
        let Content::Menu { items } = &self.object().content else { panic!("{:?}", self.object()) };
        items.iter().map(|item| item.name.as_str()).collect()
    }

    fn keys(&self) -> Vec<String> {
        self.handset.keys().into_iter().map(|key| key.name).collect()
    }

    fn is_at_services(&self) -> bool {
        *self.handset.display() == Display::Services
    }

    /// Who is logged in here.
    fn user(&self) -> Option<String> {
        let device = fold(&self.handset.identity().device);
        self.office.sessions().into_iter().find(|(phone, _)| fold(phone) == device).map(|(_, user)| user)
    }
}
