-- In the new database: gives everything that the loading role created to :owner. One statement for each relation, because one
-- transaction for thousands of them would need more locks than a server has by default.
SET synchronous_commit = off;
SELECT format('ALTER TABLE %I.%I OWNER TO %I', nspname, relname, :'owner')
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace JOIN pg_roles ON pg_roles.oid = relowner
WHERE rolname = :'loader' AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  -- A sequence that belongs to a column follows its table.
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND objsubid = 0
    AND refclassid = 'pg_class'::regclass AND relkind = 'S' AND deptype IN ('a', 'i')) \gexec
REASSIGN OWNED BY :"loader" TO :"owner";
-- What is left are rights that it was lent.
DROP OWNED BY :"loader";
