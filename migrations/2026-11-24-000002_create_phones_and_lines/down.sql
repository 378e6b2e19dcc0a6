DROP TABLE line_appearances;
DROP TABLE lines;
DROP TABLE phones;
DROP TABLE default_profiles;
DROP TABLE device_profiles;
