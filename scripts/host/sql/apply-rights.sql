-- In the new database, while the loading role owns it: applies :rights of the current one (rights.sql). An object goes to another role only if its definition is
-- the current one, because some code in it runs with its owner's rights.
SELECT format('ALTER %s %s OWNER TO %I', object.kind, object.identity, here.owner)
FROM (:objects) AS object JOIN jsonb_to_recordset(:'rights'::jsonb -> 'owned') AS here (kind text, identity text, owner name, definition text)
  ON here.kind = object.kind AND here.identity = object.identity AND here.definition = object.definition
WHERE object.owner = :'loader' \gexec

SELECT DISTINCT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I REVOKE ALL ON %s FROM PUBLIC, %1$I', role, type.name)
FROM jsonb_to_recordset(:'rights'::jsonb -> 'defaults') AS given (role name, schema name, type "char")
  JOIN (VALUES ('r'::"char", 'TABLES'), ('S', 'SEQUENCES'), ('f', 'FUNCTIONS'), ('T', 'TYPES'), ('n', 'SCHEMAS')) AS type (code, name) ON code = type
WHERE schema IS NULL \gexec
SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I %s GRANT %s ON %s TO %s%s', role, CASE WHEN schema IS NOT NULL THEN format('IN SCHEMA %I', schema) END,
  privilege, type.name, coalesce(quote_ident(grantee), 'PUBLIC'), CASE WHEN grantable THEN ' WITH GRANT OPTION' END)
FROM jsonb_to_recordset(:'rights'::jsonb -> 'defaults') AS given (role name, schema name, type "char", privilege text, grantee name, grantable boolean)
  JOIN (VALUES ('r'::"char", 'TABLES'), ('S', 'SEQUENCES'), ('f', 'FUNCTIONS'), ('T', 'TYPES'), ('n', 'SCHEMAS')) AS type (code, name) ON code = type
WHERE privilege IS NOT NULL AND (schema IS NULL OR EXISTS (SELECT FROM pg_namespace WHERE nspname = schema)) \gexec

-- What goes to the application's role although it belongs to another one in the current database.
SELECT format('%s %s belongs to the application now, because its definition differs from the current one, which belongs to %s', lower(object.kind), object.identity, here.owner)
FROM (:objects) AS object JOIN jsonb_to_recordset(:'rights'::jsonb -> 'owned') AS here (kind text, identity text, owner name) USING (kind, identity)
WHERE object.owner = :'loader' ORDER BY 1;
