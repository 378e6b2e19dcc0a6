-- Names that clients send and that must resolve from the first request on. A type that is served later keeps these rows.
CREATE FUNCTION seed_object(type text, name text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO objects (type, name, name_key, uuid, changed_at, seeded)
    VALUES (seed_object.type, seed_object.name, lower(seed_object.name), md5('emgate/' || seed_object.type || '/' || seed_object.name)::uuid, now(), true);
$$;

SELECT seed_object(t, n) FROM (VALUES
    ('CallManagerGroup', 'Default'),
    ('CommonPhoneConfig', 'Standard Common Phone Profile'),
    ('CredentialPolicy', 'Default Credential Policy'),
    ('DateTimeGroup', 'CMLocal'),
    ('DevicePool', 'Default'),
    ('Location', 'Hub_None'),
    ('Location', 'Phantom'),
    ('Location', 'Shadow'),
    ('PresenceGroup', 'Standard Presence group'),
    ('Region', 'Default'),
    ('SipProfile', 'Standard SIP Profile'),
    ('SipProfile', 'Standard SIP Profile for Mobile Device'),
    ('SipProfile', 'Standard SIP Profile For Cisco VCS'),
    ('SoftKeyTemplate', 'Standard User'),
    ('SoftKeyTemplate', 'Standard Feature'),
    ('SoftKeyTemplate', 'Standard Assistant'),
    ('SoftKeyTemplate', 'Standard Shared Mode Manager'),
    ('SoftKeyTemplate', 'Standard Protected Phone'),
    ('SoftKeyTemplate', 'Standard Manager'),
    ('SoftKeyTemplate', 'Standard Chaperone Phone'),
    ('Srst', 'Disable'),
    ('Srst', 'Use Default Gateway'),
    ('TimeSchedule', 'All the time'),
    ('UserProfileProvision', 'Standard (Factory Default) User Profile'),
    ('VoiceMailProfile', 'Default'),
    ('VoiceMailProfile', 'NoVoiceMail'),
    ('FeatureControlPolicy', 'Default'),
    ('UserGroup', 'Standard CCM Super Users'),
    ('UserGroup', 'Standard CCM Admin Users'),
    ('UserGroup', 'Standard CCM End Users'),
    ('UserGroup', 'Standard CCM Read Only'),
    ('UserGroup', 'Standard AXL API Access'),
    ('UserGroup', 'Standard AXL API Users'),
    ('UserGroup', 'Standard AXL Read Only API Access'),
    ('UserGroup', 'Standard EM Authentication Proxy Rights'),
    ('UserGroup', 'Standard CTI Enabled'),
    ('UserGroup', 'Standard CTI Allow Control of All Devices'),
    ('UserGroup', 'Standard CTI Allow Call Monitoring'),
    ('UserGroup', 'Standard CTI Allow Call Recording'),
    ('UserGroup', 'Standard CTI Allow Control of Phones supporting Connected Xfer and conf'),
    ('UserGroup', 'Standard CTI Allow Control of Phones supporting Rollover Mode'),
    ('UserGroup', 'Standard CTI Secure Connection'),
    ('UserGroup', 'Standard Tab Sync User'),
    ('UserGroup', 'Standard RealtimeAndTraceCollection'),
    ('UserGroup', 'Standard EM Roaming Across Clusters Super Users'),
    ('UserGroup', 'Third Party Application Users'),
    ('UserGroup', 'Application Client Users'),
    ('ProcessNode', 'EnterpriseWideData')) AS names (t, n);

-- The standard button templates and security profiles of the phones we know.
SELECT seed_object('PhoneButtonTemplate', 'Standard ' || replace(model, 'Cisco ', '') || ' ' || p)
FROM phone_models, unnest(protocols) AS p WHERE model LIKE 'Cisco %';
SELECT seed_object('PhoneSecurityProfile', model || ' - Standard ' || p || ' Non-Secure Profile')
FROM phone_models, unnest(protocols) AS p;
SELECT seed_object('PhoneSecurityProfile', 'Universal Device Template - Model-independent Security Profile');
SELECT seed_object('PhoneButtonTemplate', 'Universal Device Template Button Layout');

UPDATE objects SET carried = '{"allowProvisionEMMaxLoginTime": "false"}' WHERE type = 'UserProfileProvision';
UPDATE objects SET carried = '{"processNodeRole": "CUCM Voice/Video"}' WHERE type = 'ProcessNode';

DROP FUNCTION seed_object(text, text);
