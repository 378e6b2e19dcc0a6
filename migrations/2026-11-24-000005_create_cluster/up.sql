CREATE TABLE cluster (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    cluster_id   text NOT NULL,
    pepper_id    text,
    pepper_check text
);
COMMENT ON TABLE cluster IS 'identity of this cluster and the check value of the pepper all its nodes share';
INSERT INTO cluster (cluster_id) VALUES ('em-' || substr(md5(gen_random_uuid()::text), 1, 12));

CREATE TABLE service_parameters (
    name    text NOT NULL,
    node_pk bigint NOT NULL REFERENCES objects (pk) ON DELETE CASCADE,
    uuid    uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    value   text,
    PRIMARY KEY (name, node_pk)
);
COMMENT ON TABLE service_parameters IS 'values of service parameters by node; cluster-wide ones stand under the node EnterpriseWideData';
COMMENT ON COLUMN service_parameters.value IS 'null: the default of the parameter';
