//! What a start adds to the objects by itself, with its event: this node, and what a new cluster begins with.

use super::StartError;
use crate::domain::event::{Cause, Event, Occurred, ProvisioningAction, ProvisioningChanged, Via};
use crate::event::{self, EventError, Origin};
use crate::store::objects::Object;
use crate::store::{Db, Tx, nodes};

/// Makes this node known, so that service parameters can be set for it and clients find it.
pub(super) async fn register(db: &Db, origin: &Origin) -> Result<(), StartError> {
    let origin = origin.clone();
    db.write(move |tx| match nodes::register(tx, &origin.node)? {
        Some(node) => announce(tx, &origin, node),
        None => Ok(()),
    })
    .await?;
    Ok(())
}

/// Appends the event of an object that the gateway added by itself.
pub(super) fn announce(tx: &mut Tx<'_>, origin: &Origin, object: Object) -> Result<(), EventError> {
    let cause = Cause::by_system(tx.new_id(), Via::Cli);
    let added = Event::ProvisioningChanged(ProvisioningChanged {
        action: ProvisioningAction::Add,
        object_type: object.type_,
        object_uuid: object.uuid,
        object_name: object.name,
        changed: Vec::new(),
        fetch_again: true,
        cascade_of: None,
        bulk: None,
        requested_by: cause.actor.clone(),
    });
    event::append(tx, origin, &cause, vec![Occurred::of(added)])
}
