DROP FUNCTION report_registrations;
