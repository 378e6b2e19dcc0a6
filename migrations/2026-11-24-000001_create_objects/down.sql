DROP TABLE associations;
DROP TABLE object_references;
DROP TABLE objects;
