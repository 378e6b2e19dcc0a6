//! One event of each type, as the contract shows them.

use chrono::{DateTime, Utc};
use emgate::domain::credential::HolderKind;
use emgate::domain::event::*;
use emgate::event::Origin;
use uuid::Uuid;

pub(super) fn id(text: &str) -> Uuid {
    text.parse().unwrap()
}

pub(super) fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(super) fn origin() -> Origin {
    Origin { cluster: "lab-east".into(), node: "gw-1".into() }
}

pub(super) fn cause() -> Cause {
    Cause {
        correlation: id("5c90a958-7403-4430-ac66-a78795e761d1"),
        part: None,
        actor: person(),
        auth_type: AuthType::AppUser,
        auth_id: Some("mrossi".into()),
        comment: None,
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        tracestate: None,
    }
}

pub(super) fn person() -> Actor {
    Actor {
        kind: ActorKind::User,
        id: Some("mrossi".into()),
        address: Some("10.20.4.17".into()),
        via: Via::Phone,
    }
}

pub(super) fn administrator() -> Actor {
    Actor {
        kind: ActorKind::Administrator,
        id: Some("admin".into()),
        address: Some("10.1.0.9".into()),
        via: Via::Soap,
    }
}

pub(super) fn phone(name: &str) -> EventPhone {
    EventPhone {
        name: name.into(),
        uuid: id("14f4733f-3e7d-4bfb-87a2-ea20b2f14c94"),
        model: "Cisco 8851".into(),
        protocol: "SIP".into(),
    }
}

pub(super) fn user() -> EventUser {
    EventUser { user_id: "mrossi".into(), uuid: id("7ebff206-8673-4721-8cdd-2055930d6eaf") }
}

pub(super) fn profile() -> EventProfile {
    EventProfile {
        name: "UDP_mrossi".into(),
        uuid: id("72e6cc3a-babc-4d20-97ee-05cde00902c7"),
        model: "Cisco 8851".into(),
    }
}

pub(super) fn line(index: i32, dn: &str, label: &str) -> EventLine {
    EventLine {
        index,
        kind: LineKind::Line,
        dn: dn.into(),
        partition: Some("PT_INTERNAL".into()),
        label: Some(label.into()),
        recording: None,
    }
}

pub(super) fn login_on(name: &str) -> Event {
    Event::DeviceLogin(Box::new(DeviceLogin {
        session_id: id("2e05319a-cb5c-4427-bf98-e2774cbd87ad"),
        device: phone(name),
        user: user(),
        profile: profile(),
        profile_match: ProfileMatch::Exact,
        default_profile_name: None,
        login_method: LoginMethod::UserId,
        login_time: time("2026-03-02T08:14:05.123Z"),
        max_login_seconds: Some(28_800),
        max_login_source: Some(MaxLoginSource::ServiceParameter),
        expires_at: Some(time("2026-03-02T16:14:05.123Z")),
        lines: vec![line(1, "2145", "Rossi 2145"), line(2, "2900", "Helpdesk")],
        services_from: ServicesFrom::Profile,
        locale: EventLocale { user: Some("it_IT".into()), device: Some("it_IT".into()), mismatch: false },
        phone_action: PhoneAction::Restart,
        phone_action_cause: None,
        call_log_cleared: true,
        displaced: Vec::new(),
        displaced_total: None,
        cti: vec!["recorder1".into()],
        cti_total: None,
        requested_by: person(),
    }))
}

pub(super) fn logout() -> Event {
    Event::DeviceLogout(Box::new(DeviceLogout {
        session_id: id("2e05319a-cb5c-4427-bf98-e2774cbd87ad"),
        device: phone("SEP0011223344AA"),
        user: user(),
        profile: profile(),
        login_time: time("2026-03-02T08:14:05.123Z"),
        logout_time: time("2026-03-02T08:15:56.156Z"),
        duration_seconds: DeviceLogout::seconds_between(
            time("2026-03-02T08:14:05.123Z"),
            time("2026-03-02T08:15:56.156Z"),
        ),
        reason: LogoutReason::Elsewhere,
        manual: false,
        due_at: None,
        replaced_by: Some(SessionRef {
            session_id: id("2a3af4d4-6b0a-48e8-830e-07bc1e398f10"),
            device_name: "SEP0011223344BB".into(),
            user_id: "mrossi".into(),
            profile_name: "UDP_mrossi".into(),
        }),
        removed_object: None,
        restored: Restored {
            kind: RestoredKind::DeviceSettings,
            profile_name: None,
            lines: vec![line(1, "3001", "Lobby")],
            lines_total: None,
        },
        call_log_cleared: false,
        call_backs_cancelled: 0,
        cti: vec!["recorder1".into()],
        comment: None,
        requested_by: person(),
    }))
}

pub(super) fn session_expiring() -> Event {
    Event::SessionExpiring(SessionExpiring {
        session_id: id("2e05319a-cb5c-4427-bf98-e2774cbd87ad"),
        device: phone("SEP0011223344AA"),
        user: user(),
        profile: profile(),
        login_time: time("2026-03-02T08:14:05.123Z"),
        expires_at: time("2026-03-02T16:14:05.123Z"),
        extendable_seconds: Some(900),
        requested_by: Actor::system(Via::Timer),
    })
}

pub(super) fn session_extended() -> Event {
    Event::SessionExtended(SessionExtended {
        session_id: id("2e05319a-cb5c-4427-bf98-e2774cbd87ad"),
        device: phone("SEP0011223344AA"),
        user: user(),
        profile: profile(),
        login_time: time("2026-03-02T08:14:05.123Z"),
        previous_expires_at: time("2026-03-02T16:14:05.123Z"),
        expires_at: time("2026-03-02T16:29:05.123Z"),
        times_extended: 1,
        requested_by: Actor { id: None, ..person() },
    })
}

pub(super) fn call_log_cleared() -> Event {
    Event::CallLogCleared(CallLogCleared {
        device: phone("SEP0011223344AA"),
        session_id: id("2e05319a-cb5c-4427-bf98-e2774cbd87ad"),
        user: user(),
        trigger: CallLogTrigger::ManualLogin,
        cleared_at: time("2026-03-02T08:14:05.123Z"),
    })
}

pub(super) fn intercom_changed() -> Event {
    Event::IntercomDefaultDeviceChanged(IntercomDefaultDeviceChanged {
        line: IntercomLine {
            dn: "7001".into(),
            partition: Some("PT_ICM".into()),
            uuid: id("f646e1f4-0a09-4c97-abf4-6c697d2caf82"),
        },
        owner: Some(IntercomOwner {
            kind: OwnerKind::DeviceProfile,
            name: "UDP_mrossi".into(),
            uuid: id("72e6cc3a-babc-4d20-97ee-05cde00902c7"),
        }),
        previous: Some(phone("SEP0011223344AA")),
        current: None,
        change: IntercomChange::ClearedDeviceRemoved,
        requested_by: administrator().through(Via::Cascade),
    })
}

pub(super) fn provisioning_changed() -> Event {
    Event::ProvisioningChanged(ProvisioningChanged {
        action: ProvisioningAction::Update,
        object_type: "AppUser".into(),
        object_uuid: id("8ede0d7a-c3ba-4a9e-93de-ef86ab1031d0"),
        object_name: "recorder1".into(),
        changed: vec![ChangedField {
            name: "ctiControlledDeviceProfiles".into(),
            value: None,
            redacted: false,
        }],
        fetch_again: true,
        cascade_of: None,
        bulk: Some(BulkPlace { job_id: id("cc011cdd-9474-431b-bf26-144b98289fcd"), index: 17, total: 400 }),
        requested_by: Actor {
            kind: ActorKind::Application,
            id: Some("axlbulk".into()),
            address: Some("10.1.0.31".into()),
            via: Via::Soap,
        },
    })
}

pub(super) fn credential_changed() -> Event {
    Event::CredentialChanged(CredentialChanged {
        holder: CredentialHolder {
            kind: HolderKind::EndUser,
            user_id: "mrossi".into(),
            uuid: id("7ebff206-8673-4721-8cdd-2055930d6eaf"),
        },
        credential: CredentialKind::Pin,
        change: CredentialChange::Changed,
        device: Some(phone("SEP0011223344BB")),
        requested_by: person(),
        comment: None,
    })
}

pub(super) fn parameter_changed() -> Event {
    Event::ServiceParameterChanged(ServiceParameterChanged {
        service: "Cisco Extension Mobility".into(),
        name: "EnforceIntraClusterMaxLoginTime".into(),
        node: None,
        previous_value: "F".into(),
        value: "T".into(),
        default_value: "F".into(),
        implied: true,
        requested_by: Actor::system(Via::Cascade),
    })
}

pub(super) fn login_rejected() -> Event {
    Event::LoginRejected(LoginRejected {
        operation: RejectedOperation::Login,
        device_name: Some("SEP0011223344BB".into()),
        user_id: Some("mrossi".into()),
        error_code: 25,
        error_name: "user-logged-in-elsewhere",
        retryable: false,
        existing: Some(SessionRef {
            session_id: id("2e05319a-cb5c-4427-bf98-e2774cbd87ad"),
            device_name: "SEP0011223344AA".into(),
            user_id: "mrossi".into(),
            profile_name: "UDP_mrossi".into(),
        }),
        count: 1,
        requested_by: person(),
    })
}

/// One event of every type.
pub(super) fn all() -> Vec<Event> {
    vec![
        login_on("SEP0011223344AA"),
        logout(),
        session_expiring(),
        session_extended(),
        call_log_cleared(),
        intercom_changed(),
        provisioning_changed(),
        credential_changed(),
        parameter_changed(),
        login_rejected(),
    ]
}
