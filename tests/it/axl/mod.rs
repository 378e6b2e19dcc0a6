//! The provisioning API from outside: the quirks of real clients, then one file an object.

mod accounts;
mod app_user;
mod credentials;
mod css;
mod default_profile;
mod device_profile;
mod going;
mod line;
mod lists;
mod lost_fields;
mod phone;
mod phone_service;
mod process_node;
mod quirks;
mod races;
mod registration;
mod route_partition;
mod samples;
mod service_parameter;
mod together;
mod user;
mod user_profile;
mod versions;
