DROP TABLE credentials;
DROP TABLE app_users;
DROP TABLE users;
