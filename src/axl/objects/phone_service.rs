//! IpPhoneServices: a service that phones and profiles subscribe to, the login page among them.

use crate::axl::object::{AxlObject, Members, NoCore};

/// A phone service.
pub struct PhoneService;

impl AxlObject for PhoneService {
    const TYPE: &'static str = "IpPhoneServices";
    const IDENTITY: &'static str = "serviceName";
    const RENAME: Option<&'static str> = Some("newServiceName");
    const DESCRIPTION: Option<&'static str> = Some("serviceDescription");
    const REQUIRED: &'static [&'static str] = &["serviceUrl"];
    const MEMBERS: &'static [Members] = &[Members {
        collection: "parameters",
        member: "parameter",
        add: "addParameters",
        remove: "removeParameters",
        keys: &["name"],
    }];
    type Core = NoCore;
}
