DROP TABLE phone_models;
