UPDATE objects o SET carried = o.carried || c.said FROM (
    SELECT c.holder_pk, jsonb_object_agg(CASE c.kind WHEN 'pin' THEN 'pinCredentials' ELSE 'passwordCredentials' END, jsonb_build_object(
        p.prefix || 'CredPolicyName', CASE WHEN c.policy_pk IS NOT NULL THEN jsonb_build_object('ref', c.policy_pk) END,
        p.prefix || 'CredUserCantChange', c.cant_change::text,
        p.prefix || 'CredUserMustChange', c.must_change::text,
        p.prefix || 'CredDoesNotExpire', c.never_expires::text,
        p.prefix || 'CredLockedByAdministrator', (c.admin_locked_at IS NOT NULL)::text)) AS said
    FROM credentials c CROSS JOIN LATERAL (SELECT CASE c.kind WHEN 'pin' THEN 'pin' ELSE 'pwd' END AS prefix) p
    WHERE c.policy_pk IS NOT NULL OR c.cant_change OR c.must_change OR c.never_expires OR c.admin_locked_at IS NOT NULL
    GROUP BY c.holder_pk) c
WHERE o.pk = c.holder_pk;
DROP TABLE credential_history;
DELETE FROM credentials WHERE hash IS NULL;
UPDATE credentials SET locked_until = NULL WHERE admin_locked_at IS NOT NULL;
ALTER TABLE credentials
    DROP COLUMN policy_pk,
    DROP COLUMN cant_change,
    DROP COLUMN must_change,
    DROP COLUMN never_expires,
    DROP COLUMN admin_locked_at,
    DROP COLUMN used_at,
    DROP COLUMN expiry_told,
    DROP CONSTRAINT secret_is_whole,
    ALTER COLUMN hash SET NOT NULL,
    ALTER COLUMN pepper_id SET NOT NULL,
    ALTER COLUMN changed_at SET NOT NULL;
