-- In the new database: who may use a foreign data wrapper in the current one (:rights, from rights.sql) may here, and so may
-- the loading role in the application's place.
SELECT format('GRANT USAGE ON FOREIGN DATA WRAPPER %I TO %I', wrapper.name, whom.name)
FROM jsonb_to_recordset(:'rights'::jsonb -> 'wrappers') AS wrapper (name name, grantee name),
  LATERAL (VALUES (wrapper.grantee), (CASE wrapper.grantee WHEN :'owner' THEN :'loader'::name END)) AS whom (name)
WHERE whom.name IS NOT NULL AND EXISTS (SELECT FROM pg_foreign_data_wrapper WHERE fdwname = wrapper.name) \gexec
