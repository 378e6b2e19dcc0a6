//! What a request meets before anybody is known: the parameters in force on this node, and the phone where one is named.
//!
//! Promises that none of it is older than the request: an administrator's change counts for the next request on every node.

use super::error::EmCode;
use super::service::Em;
use crate::domain::names::fold;
use crate::store::conditions::{ConditionsKey, People};

pub use crate::store::conditions::{Conditions, PhoneState};

impl Em {
    /// Reads what a request meets, for the phone it names.
    pub async fn conditions(&self, phone: Option<&str>) -> Result<Conditions, EmCode> {
        self.read_conditions(phone, People::LeftOut).await
    }

    /// The same with who is and was on the phone.
    pub(super) async fn conditions_with_people(&self, phone: &str) -> Result<Conditions, EmCode> {
        self.read_conditions(Some(phone), People::Read).await
    }

    async fn read_conditions(&self, phone: Option<&str>, people: People) -> Result<Conditions, EmCode> {
        let key = ConditionsKey { node: self.node_key(), phone: phone.map(fold), people };
        let read = self.gathered_conditions().ask(key).await.map_err(|error| {
            tracing::error!(error = %error, "database does not answer a login or logout");
            EmCode::Database
        })?;
        tracing::debug!(phone = ?read.phone, "what a request meets was read");
        Ok(read)
    }

    /// Refuses where this node carries out no logins and logouts (EM-032).
    pub fn check_is_active(conditions: &Conditions) -> Result<(), EmCode> {
        if conditions.parameters.is_active { Ok(()) } else { Err(EmCode::ServiceConnection) }
    }
}
