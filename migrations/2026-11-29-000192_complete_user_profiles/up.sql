-- User profiles can be provisioned now: what came with the migrations says of itself what one says that is added with nothing but a name.
UPDATE objects SET carried = '{"allowProvision": "false", "limitProvision": "10", "allowPhoneReassign": "false", "enableMra": "true",
    "mraPolicy_Desktop": "IM & Presence, Voice and Video calls", "mraPolicy_Mobile": "IM & Presence, Voice and Video calls",
    "allowProvisionEMMaxLoginTime": "false"}'::jsonb || carried
WHERE type = 'UserProfileProvision';
