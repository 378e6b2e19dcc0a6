//! RoutePartition: a namespace of directory numbers; `partitionUsage` Intercom makes its lines intercom lines.

use crate::axl::object::{AxlObject, NoCore};

/// A partition.
pub struct RoutePartition;

impl AxlObject for RoutePartition {
    const TYPE: &'static str = "RoutePartition";
    type Core = NoCore;
}
