-- Only the time limit of one's own was known before.
UPDATE objects SET carried = carried - ARRAY['allowProvision', 'limitProvision', 'allowPhoneReassign', 'enableMra', 'mraPolicy_Desktop', 'mraPolicy_Mobile']
WHERE type = 'UserProfileProvision' AND seeded;
