//! What an operator should know of the settings in force on a node: which parts are switched off, and what invites trouble.
//!
//! Nothing here refuses anything; each warning names what to change.

use std::net::IpAddr;
use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use serde::Serialize;

use crate::domain::names::fold;
use crate::domain::parameter::ENFORCE;
use crate::domain::policy::{EmParameters, LoginPolicy};
use crate::store::conditions::{self, ConditionsKey, People};
use crate::store::{StoreError, Tx, parameters, users};

const OPEN_LOGOUT: &str = "ValidateIPAddress is F: whoever can name a phone can log it out";
const INACTIVE: &str = "ExtensionMobilityActivated is F on this node: logins and logouts get code 208";
const NO_PAGES: &str = "ExtensionMobilityPagesActivated is F on this node: phones get 503";
const NO_LIMIT: &str = "EnforceIntraClusterMaxLoginTime is T and IntraClusterMaxLoginTime 0:00: nobody is logged out by it; set a time";

/// A part of a node that administrators switch on and off, by the name it has in readiness, metrics and answers (EM-154, EM-155).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Component {
    component: Part,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Part {
    #[expect(non_camel_case_types, reason = "as it is written in the label")]
    pages,
    #[expect(non_camel_case_types, reason = "as it is written in the label")]
    logins,
}

/// Which parts of this node are active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Components {
    /// The pages of phones, `Extension Mobility Application`.
    pages: &'static str,
    /// Logins and logouts by every surface, `Extension Mobility Service`.
    logins: &'static str,
}

/// What was read for one answer.
pub(super) struct Hints {
    parameters: Arc<EmParameters>,
    is_limit_without_time: bool,
    untypable: (i64, Option<String>),
}

impl Hints {
    /// Reads what holds on a node now.
    pub(super) fn read(tx: &mut Tx<'_>, node: &str) -> Result<Self, StoreError> {
        let key = ConditionsKey { node: fold(node).into(), phone: None, people: People::LeftOut };
        let found = conditions::find(tx, std::slice::from_ref(&key))?;
        let parameters = found.into_iter().next().map(|c| c.parameters).unwrap_or_default();
        let set = parameters::cluster_values(tx)?;
        let value = |name: &str| set.get(name).map(String::as_str);
        let has_limit = LoginPolicy::from_values(value).limit.is_some();
        let is_limit_without_time = value(ENFORCE) == Some("T") && !has_limit;
        Ok(Self { parameters, is_limit_without_time, untypable: users::untypable(tx)? })
    }

    pub(super) fn components(&self) -> Components {
        let word = |is_active| if is_active { "active" } else { "switched-off" };
        Components { pages: word(self.parameters.has_pages), logins: word(self.parameters.is_active) }
    }

    /// The same for the metrics.
    pub(super) fn gauges(&self) -> [(Component, bool); 2] {
        [(Part::pages, self.parameters.has_pages), (Part::logins, self.parameters.is_active)]
            .map(|(component, is_active)| (Component { component }, is_active))
    }

    /// What to change, where a request came last through a proxy, if any did.
    pub(super) fn warnings(&self, last_proxy: Option<IpAddr>) -> Vec<String> {
        let validates = self.parameters.trust.validate;
        let fixed = [
            (!validates, OPEN_LOGOUT),
            (!self.parameters.is_active, INACTIVE),
            (!self.parameters.has_pages, NO_PAGES),
            (self.is_limit_without_time, NO_LIMIT),
        ];
        let proxy = last_proxy.filter(|_| !validates).map(|proxy| {
            format!("requests come through the proxy {proxy} while ValidateIPAddress is F: docs/runbook.md has the recipe")
        });
        let untypable = self.untypable.1.as_ref().map(|first| {
            let count = self.untypable.0;
            format!("user ids that cannot be typed on a phone: {count}, \"{first}\" first; an extension or self-service ID lets these users in")
        });
        let fixed = fixed.into_iter().filter(|(holds, _)| *holds).map(|(_, warning)| warning.to_owned());
        fixed.chain(proxy).chain(untypable).collect()
    }
}
