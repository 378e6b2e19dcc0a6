-- What an administrator decides about a credential acts now, so it has columns (security.md AUTH-1, axl.md 19.3). A row may stand there
-- without a secret: what was decided holds for the first one.
ALTER TABLE credentials
    ADD COLUMN policy_pk       bigint REFERENCES objects (pk) ON DELETE SET NULL,
    ADD COLUMN cant_change     boolean NOT NULL DEFAULT false,
    ADD COLUMN must_change     boolean NOT NULL DEFAULT false,
    ADD COLUMN never_expires   boolean NOT NULL DEFAULT false,
    ADD COLUMN admin_locked_at timestamptz,
    ADD COLUMN used_at         timestamptz,
    ADD COLUMN expiry_told     boolean NOT NULL DEFAULT false,
    ALTER COLUMN hash DROP NOT NULL,
    ALTER COLUMN pepper_id DROP NOT NULL,
    ALTER COLUMN changed_at DROP NOT NULL,
    ADD CONSTRAINT secret_is_whole CHECK ((hash IS NULL) = (pepper_id IS NULL) AND (hash IS NULL) = (changed_at IS NULL)),
    ADD CONSTRAINT admin_lock_is_a_lock CHECK (admin_locked_at IS NULL OR locked_until = 'infinity');
COMMENT ON COLUMN credentials.policy_pk IS 'the policy that was named for it; carried, the service parameters decide';
COMMENT ON COLUMN credentials.admin_locked_at IS 'since when an administrator has locked it, until one unlocks it';
COMMENT ON COLUMN credentials.used_at IS 'when it was right for the last time, or was unlocked';
COMMENT ON COLUMN credentials.expiry_told IS 'whether the event log says that this secret has expired';

-- The secrets before the present one, newest last.
CREATE TABLE credential_history (
    holder_pk bigint NOT NULL REFERENCES objects (pk) ON DELETE CASCADE,
    kind      text NOT NULL,
    version   bigint NOT NULL,
    hash      text NOT NULL,
    pepper_id text NOT NULL,
    PRIMARY KEY (holder_pk, kind, version)
);
COMMENT ON TABLE credential_history IS 'hashes of earlier secrets, which their holder may not choose again (security.md AUTH-1)';

-- What was only carried until now.
INSERT INTO credentials (holder_pk, kind, policy_pk, cant_change, must_change, never_expires, admin_locked_at, locked_until)
SELECT o.pk, s.kind, (s.said -> (s.prefix || 'CredPolicyName') ->> 'ref')::bigint,
    coalesce(s.said ->> (s.prefix || 'CredUserCantChange') = 'true', false),
    coalesce(s.said ->> (s.prefix || 'CredUserMustChange') = 'true', false),
    coalesce(s.said ->> (s.prefix || 'CredDoesNotExpire') = 'true', false),
    CASE WHEN s.said ->> (s.prefix || 'CredLockedByAdministrator') = 'true' THEN clock_timestamp() END,
    CASE WHEN s.said ->> (s.prefix || 'CredLockedByAdministrator') = 'true' THEN 'infinity'::timestamptz END
FROM objects o CROSS JOIN LATERAL (VALUES
    ('pin', 'pin', o.carried -> 'pinCredentials'), ('password', 'pwd', o.carried -> 'passwordCredentials')) AS s (kind, prefix, said)
WHERE o.type IN ('User', 'AppUser') AND jsonb_typeof(s.said) = 'object'
ON CONFLICT (holder_pk, kind) DO UPDATE SET policy_pk = excluded.policy_pk, cant_change = excluded.cant_change,
    must_change = excluded.must_change, never_expires = excluded.never_expires, admin_locked_at = excluded.admin_locked_at,
    locked_until = coalesce(excluded.locked_until, credentials.locked_until);
UPDATE objects SET carried = carried - 'pinCredentials' - 'passwordCredentials'
WHERE type IN ('User', 'AppUser') AND carried ?| ARRAY['pinCredentials', 'passwordCredentials'];
