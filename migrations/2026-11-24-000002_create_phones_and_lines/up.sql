CREATE TABLE device_profiles (
    pk       bigint PRIMARY KEY REFERENCES objects (pk) ON DELETE CASCADE,
    model    text NOT NULL,
    protocol text NOT NULL
);
COMMENT ON TABLE device_profiles IS 'typed core of DeviceProfile';

CREATE TABLE default_profiles (
    pk       bigint PRIMARY KEY REFERENCES objects (pk) ON DELETE CASCADE,
    model    text NOT NULL,
    protocol text NOT NULL,
    CONSTRAINT one_default_profile_per_model UNIQUE (model, protocol)
);
COMMENT ON TABLE default_profiles IS 'typed core of DefaultDeviceProfile: what a phone shows when the profile of its user is for another model';

CREATE TABLE phones (
    pk                bigint PRIMARY KEY REFERENCES objects (pk) ON DELETE CASCADE,
    model             text NOT NULL,
    protocol          text NOT NULL,
    em_enabled        boolean NOT NULL DEFAULT false,
    logout_profile_pk bigint,
    CONSTRAINT logout_profile_in_use FOREIGN KEY (logout_profile_pk) REFERENCES device_profiles (pk) ON DELETE RESTRICT
);
CREATE INDEX phones_by_logout_profile ON phones (logout_profile_pk);
COMMENT ON TABLE phones IS 'typed core of Phone';
COMMENT ON COLUMN phones.logout_profile_pk IS 'profile shown when nobody is logged in; null: the settings of the phone itself';

CREATE TABLE lines (
    pk                bigint PRIMARY KEY REFERENCES objects (pk) ON DELETE CASCADE,
    pattern           text NOT NULL,
    partition_pk      bigint,
    usage             text NOT NULL,
    default_device_pk bigint,
    CONSTRAINT partition_in_use FOREIGN KEY (partition_pk) REFERENCES objects (pk) ON DELETE RESTRICT,
    CONSTRAINT lines_default_device FOREIGN KEY (default_device_pk) REFERENCES phones (pk) ON DELETE RESTRICT
);
CREATE INDEX lines_by_pattern ON lines (pattern text_pattern_ops);
CREATE INDEX lines_by_partition ON lines (partition_pk);
CREATE INDEX lines_by_default_device ON lines (default_device_pk);
COMMENT ON TABLE lines IS 'typed core of Line: a directory number in a partition';
COMMENT ON COLUMN lines.default_device_pk IS 'intercom lines only: the one phone on which the line is presented; cleared by rule, with its event, before a phone goes';

CREATE TABLE line_appearances (
    owner_pk bigint NOT NULL REFERENCES objects (pk) ON DELETE CASCADE,
    index    integer NOT NULL,
    line_pk  bigint NOT NULL REFERENCES lines (pk) ON DELETE CASCADE,
    uuid     uuid NOT NULL UNIQUE,
    settings jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (owner_pk, index),
    CONSTRAINT positive_index CHECK (index > 0)
);
CREATE INDEX line_appearances_by_line ON line_appearances (line_pk);
COMMENT ON TABLE line_appearances IS 'a line on a button of a phone or profile, with what is set there (label, recording, …)';
