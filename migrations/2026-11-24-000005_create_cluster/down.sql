DROP TABLE service_parameters;
DROP TABLE cluster;
