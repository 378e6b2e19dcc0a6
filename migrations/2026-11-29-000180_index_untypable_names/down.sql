DROP INDEX objects_of_untypable_name;
