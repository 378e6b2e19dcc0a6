//! UserProfileProvision: what its users may do; `allowProvisionEMMaxLoginTime` lets a time limit of their own count (EM-072, EM-073).
//!
//! A login reads the flag from the carried settings, so a change counts from the next login on. Nothing else of it is acted on.

use crate::axl::object::{AxlObject, NoCore};

/// A user profile, which is no device profile.
pub struct UserProfile;

impl AxlObject for UserProfile {
    const TYPE: &'static str = "UserProfileProvision";
    type Core = NoCore;
}
