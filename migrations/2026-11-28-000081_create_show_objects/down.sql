DROP FUNCTION show_objects;
