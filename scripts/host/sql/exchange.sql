-- Database :new takes the name of :current, which is called :aside then. Prints "kept" if the application, whose containers have
-- :addresses, has sessions in :current although it has no request, and waits until it has given them up.
SELECT 'kept' FROM pg_stat_activity WHERE datname = :'current' AND host(client_addr) = ANY (string_to_array(:'addresses', ' ')) LIMIT 1;
SELECT set_config('stackline.current', :'current', false), set_config('stackline.addresses', :'addresses', false) \g /dev/null
DO $$
BEGIN
  FOR try IN 1..200 LOOP
    EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_setting('stackline.current')
      AND host(client_addr) = ANY (string_to_array(current_setting('stackline.addresses'), ' ')));
    PERFORM pg_sleep(0.05), pg_stat_clear_snapshot();
  END LOOP;
END $$;

SELECT format('%s, client %s, %s', coalesce(nullif(regexp_replace(application_name, '\s+', ' ', 'g'), ''), 'unnamed'), coalesce(host(client_addr), 'on the server itself'), state)
FROM pg_stat_activity WHERE datname = :'current' AND backend_type = 'client backend';
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname IN (:'current', :'new') \g /dev/null
-- A renaming waits up to 5 s for sessions that end, and admits no other meanwhile.
BEGIN; ALTER DATABASE :"current" RENAME TO :"aside"; ALTER DATABASE :"new" RENAME TO :"current"; COMMIT;
