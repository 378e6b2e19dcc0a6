//! The whole addPhone message as types that yaserde reads alone: what a program does that trusts its sender and keeps every field as text.

#![expect(dead_code, reason = "the fields are read into, which is what is measured")]

use yaserde::YaDeserialize;

#[derive(Debug, Default, YaDeserialize)]
#[yaserde(rename = "Envelope", prefix = "soapenv", namespaces = {"soapenv" = "http://schemas.xmlsoap.org/soap/envelope/"})]
pub(crate) struct Envelope {
    #[yaserde(rename = "Body", prefix = "soapenv")]
    body: Body,
}

#[derive(Debug, Default, YaDeserialize)]
#[yaserde(prefix = "soapenv", namespaces = {"soapenv" = "http://schemas.xmlsoap.org/soap/envelope/", "ns" = "http://www.cisco.com/AXL/API/15.0"})]
struct Body {
    #[yaserde(rename = "addPhone", prefix = "ns")]
    add_phone: AddPhone,
}

#[derive(Debug, Default, YaDeserialize)]
#[yaserde(namespaces = {"ns" = "http://www.cisco.com/AXL/API/15.0"})]
struct AddPhone {
    phone: Phone,
}

#[derive(Debug, Default, YaDeserialize)]
struct Phone {
    name: Option<String>,
    description: Option<String>,
    product: Option<String>,
    #[yaserde(rename = "class")]
    kind: Option<String>,
    protocol: Option<String>,
    #[yaserde(rename = "protocolSide")]
    protocol_side: Option<String>,
    #[yaserde(rename = "callingSearchSpaceName")]
    calling_search_space_name: Option<String>,
    #[yaserde(rename = "devicePoolName")]
    device_pool_name: Option<String>,
    #[yaserde(rename = "commonPhoneConfigName")]
    common_phone_config_name: Option<String>,
    #[yaserde(rename = "networkLocation")]
    network_location: Option<String>,
    #[yaserde(rename = "locationName")]
    location_name: Option<String>,
    #[yaserde(rename = "loadInformation")]
    load_information: Option<String>,
    #[yaserde(rename = "traceFlag")]
    trace_flag: Option<String>,
    #[yaserde(rename = "useTrustedRelayPoint")]
    use_trusted_relay_point: Option<String>,
    #[yaserde(rename = "retryVideoCallAsAudio")]
    retry_video_call_as_audio: Option<String>,
    #[yaserde(rename = "securityProfileName")]
    security_profile_name: Option<String>,
    #[yaserde(rename = "sipProfileName")]
    sip_profile_name: Option<String>,
    lines: Option<Lines>,
    #[yaserde(rename = "phoneTemplateName")]
    phone_template_name: Option<String>,
    speeddials: Option<Speeddials>,
    #[yaserde(rename = "userLocale")]
    user_locale: Option<String>,
    #[yaserde(rename = "idleTimeout")]
    idle_timeout: Option<String>,
    #[yaserde(rename = "enableExtensionMobility")]
    enable_extension_mobility: Option<String>,
    #[yaserde(rename = "softkeyTemplateName")]
    softkey_template_name: Option<String>,
    #[yaserde(rename = "ownerUserName")]
    owner_user_name: Option<String>,
    #[yaserde(rename = "presenceGroupName")]
    presence_group_name: Option<String>,
    #[yaserde(rename = "dndOption")]
    dnd_option: Option<String>,
}

#[derive(Debug, Default, YaDeserialize)]
struct Speeddials {
    speeddial: Vec<Speeddial>,
}

#[derive(Debug, Default, YaDeserialize)]
struct Speeddial {
    dirn: Option<String>,
    label: Option<String>,
    index: Option<String>,
}

#[derive(Debug, Default, YaDeserialize)]
struct Lines {
    line: Vec<Line>,
}

#[derive(Debug, Default, YaDeserialize)]
struct Line {
    index: Option<String>,
    label: Option<String>,
    display: Option<String>,
    dirn: Option<Dirn>,
    #[yaserde(rename = "ringSetting")]
    ring_setting: Option<String>,
    #[yaserde(rename = "consecutiveRingSetting")]
    consecutive_ring_setting: Option<String>,
    #[yaserde(rename = "displayAscii")]
    display_ascii: Option<String>,
    #[yaserde(rename = "e164Mask")]
    e164_mask: Option<String>,
    #[yaserde(rename = "mwlPolicy")]
    mwl_policy: Option<String>,
    #[yaserde(rename = "maxNumCalls")]
    max_num_calls: Option<String>,
    #[yaserde(rename = "busyTrigger")]
    busy_trigger: Option<String>,
    #[yaserde(rename = "callInfoDisplay")]
    call_info_display: Option<CallInfoDisplay>,
    #[yaserde(rename = "recordingFlag")]
    recording_flag: Option<String>,
    #[yaserde(rename = "audibleMwi")]
    audible_mwi: Option<String>,
    #[yaserde(rename = "partitionUsage")]
    partition_usage: Option<String>,
    #[yaserde(rename = "missedCallLogging")]
    missed_call_logging: Option<String>,
    #[yaserde(rename = "recordingMediaSource")]
    recording_media_source: Option<String>,
}

#[derive(Debug, Default, YaDeserialize)]
struct CallInfoDisplay {
    #[yaserde(rename = "callerName")]
    caller_name: Option<String>,
    #[yaserde(rename = "callerNumber")]
    caller_number: Option<String>,
    #[yaserde(rename = "redirectedNumber")]
    redirected_number: Option<String>,
    #[yaserde(rename = "dialedNumber")]
    dialed_number: Option<String>,
}

#[derive(Debug, Default, YaDeserialize)]
struct Dirn {
    pattern: Option<String>,
    #[yaserde(rename = "routePartitionName")]
    route_partition_name: Option<String>,
}
