-- As the loading role: the rows of each ordinary table, partitions included. Of tables in extensions, those whose rows are part
-- of a backup. (Row-level security that is forced on a table would hide rows from its owner.)
SELECT concat(CASE WHEN forced THEN format('BEGIN; ALTER TABLE %s NO FORCE ROW LEVEL SECURITY; ', identity) END,
  format('SELECT format(''  %%-40s %%8s rows'', %L, count(*)) FROM ONLY %s', label, identity), CASE WHEN forced THEN '; ROLLBACK' END)
FROM (
  SELECT format('%I.%I', nspname, relname) AS identity, translate(format('%s.%s', nspname, relname), E'\n\r', '  ') AS label, relforcerowsecurity AS forced
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_(toast|temp)'
    AND (pg_class.oid IN (SELECT unnest(extconfig) FROM pg_extension)
      OR NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e'))
) AS tables ORDER BY label \gexec
