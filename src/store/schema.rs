//! The tables as the migrations leave them; printed, never edited.
#![expect(missing_docs, reason = "tables and columns are described in the migrations")]

// @generated from the migrated database; checked by tests/it/migrations.rs.

diesel::table! {
    absent_accounts (key) {
        key -> Bytea,
        failed -> Integer,
        failed_at -> Timestamptz,
        locked_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    absent_attempts (slot) {
        slot -> Integer,
        failed -> BigInt,
        failed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    app_users (pk) {
        pk -> BigInt,
    }
}

diesel::table! {
    associations (holder_pk, kind, target_pk) {
        holder_pk -> BigInt,
        kind -> Text,
        target_pk -> BigInt,
        position -> Integer,
    }
}

diesel::table! {
    cluster (only_row) {
        only_row -> Bool,
        cluster_id -> Text,
        pepper_id -> Nullable<Text>,
        pepper_check -> Nullable<Text>,
        sign_in_secret -> Bytea,
    }
}

diesel::table! {
    credential_history (holder_pk, kind, version) {
        holder_pk -> BigInt,
        kind -> Text,
        version -> BigInt,
        hash -> Text,
        pepper_id -> Text,
    }
}

diesel::table! {
    credentials (holder_pk, kind) {
        holder_pk -> BigInt,
        kind -> Text,
        hash -> Nullable<Text>,
        pepper_id -> Nullable<Text>,
        version -> BigInt,
        failed -> Integer,
        failed_at -> Nullable<Timestamptz>,
        locked_until -> Nullable<Timestamptz>,
        changed_at -> Nullable<Timestamptz>,
        policy_pk -> Nullable<BigInt>,
        cant_change -> Bool,
        must_change -> Bool,
        never_expires -> Bool,
        admin_locked_at -> Nullable<Timestamptz>,
        used_at -> Nullable<Timestamptz>,
        expiry_told -> Bool,
    }
}

diesel::table! {
    default_profiles (pk) {
        pk -> BigInt,
        model -> Text,
        protocol -> Text,
    }
}

diesel::table! {
    device_profiles (pk) {
        pk -> BigInt,
        model -> Text,
        protocol -> Text,
    }
}

diesel::table! {
    event_log (created_at, seq) {
        seq -> BigInt,
        created_at -> Timestamptz,
        id -> Uuid,
        #[sql_name = "type"]
        type_ -> Text,
        topic -> Text,
        key -> Text,
        envelope -> Json,
        states -> Nullable<Json>,
    }
}

diesel::table! {
    event_pending (seq) {
        seq -> BigInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    event_position (pos) {
        pos -> BigInt,
        seq -> BigInt,
        created_at -> Timestamptz,
        emstream -> Text,
        recorded_at -> Timestamptz,
        hash -> Bytea,
    }
}

diesel::table! {
    event_stream (only_row) {
        only_row -> Bool,
        emstream -> Text,
        last_pos -> BigInt,
        confirmed_pos -> BigInt,
        leader_epoch -> BigInt,
        state_due -> Bool,
    }
}

diesel::table! {
    last_sessions (phone_pk) {
        phone_pk -> BigInt,
        user_pk -> BigInt,
        session_id -> Uuid,
        replaced_session -> Nullable<Uuid>,
        replaced_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    line_appearances (owner_pk, index) {
        owner_pk -> BigInt,
        index -> Integer,
        line_pk -> BigInt,
        uuid -> Uuid,
        settings -> Jsonb,
    }
}

diesel::table! {
    lines (pk) {
        pk -> BigInt,
        pattern -> Text,
        partition_pk -> Nullable<BigInt>,
        usage -> Text,
        default_device_pk -> Nullable<BigInt>,
    }
}

diesel::table! {
    object_references (owner_pk, tag, target_pk) {
        owner_pk -> BigInt,
        tag -> Text,
        target_pk -> BigInt,
    }
}

diesel::table! {
    objects (pk) {
        pk -> BigInt,
        #[sql_name = "type"]
        type_ -> Text,
        name -> Text,
        name_key -> Text,
        description -> Nullable<Text>,
        uuid -> Uuid,
        carried -> Jsonb,
        revision -> BigInt,
        changed_at -> Timestamptz,
        seeded -> Bool,
    }
}

diesel::table! {
    phone_models (model) {
        model -> Text,
        protocols -> Nullable<Array<Text>>,
        em_supported -> Bool,
        has_services -> Bool,
        takes_add_ons -> Bool,
    }
}

diesel::table! {
    phones (pk) {
        pk -> BigInt,
        model -> Text,
        protocol -> Text,
        em_enabled -> Bool,
        logout_profile_pk -> Nullable<BigInt>,
    }
}

diesel::table! {
    registrations (phone_pk) {
        phone_pk -> BigInt,
        address -> Nullable<Text>,
        protocol -> Nullable<Text>,
        active_load -> Nullable<Text>,
        status -> Text,
        reported_by -> Nullable<Text>,
        reported_at -> Timestamptz,
        is_busy -> Bool,
    }
}

diesel::table! {
    service_parameters (name, node_pk) {
        name -> Text,
        node_pk -> BigInt,
        uuid -> Uuid,
        value -> Nullable<Text>,
    }
}

diesel::table! {
    sessions (phone_pk) {
        phone_pk -> BigInt,
        user_pk -> BigInt,
        profile_pk -> BigInt,
        session_id -> Uuid,
        started_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        max_login_seconds -> Nullable<Integer>,
        max_login_source -> Nullable<Text>,
        login_method -> Text,
        exclusive -> Bool,
        login_envelope -> Nullable<Json>,
        warned_at -> Nullable<Timestamptz>,
        times_extended -> SmallInt,
    }
}

diesel::table! {
    untold_locks (holder_pk, kind) {
        holder_pk -> BigInt,
        kind -> Text,
        locked_at -> Timestamptz,
    }
}

diesel::table! {
    users (pk) {
        pk -> BigInt,
        first_name -> Nullable<Text>,
        last_name -> Text,
        department -> Nullable<Text>,
        home_cluster -> Bool,
        max_login_seconds -> Nullable<Integer>,
        default_profile_pk -> Nullable<BigInt>,
        self_service -> Nullable<Text>,
        self_service_key -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    absent_accounts,
    absent_attempts,
    app_users,
    associations,
    cluster,
    credential_history,
    credentials,
    default_profiles,
    device_profiles,
    event_log,
    event_pending,
    event_position,
    event_stream,
    last_sessions,
    line_appearances,
    lines,
    object_references,
    objects,
    phone_models,
    phones,
    registrations,
    service_parameters,
    sessions,
    untold_locks,
    users,
);
