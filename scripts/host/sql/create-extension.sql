-- In the new database, while it is empty: creates an extension as the superuser, in :schema. If the backup contains that schema
-- (:own is t), it belongs to the loading role.
SELECT format('CREATE SCHEMA %I AUTHORIZATION %I', :'schema', :'loader')
WHERE :'own' AND NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = :'schema') \gexec
SELECT format('CREATE EXTENSION IF NOT EXISTS %I %s CASCADE', :'name',
  (SELECT format('SCHEMA %I', nspname) FROM pg_namespace WHERE nspname = :'schema')) \gexec
-- The rows of its configuration tables are part of the backup. No TRIGGER: triggers run with the rights of whoever writes.
SELECT format('GRANT %s ON %I.%I TO %I', CASE relkind WHEN 'S' THEN 'SELECT, UPDATE' ELSE 'SELECT, INSERT' END, nspname, relname, :'loader')
FROM pg_extension, unnest(extconfig) AS config JOIN pg_class ON pg_class.oid = config JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE extname = :'name' \gexec
