-- Schemas, relations, types and routines, with owner and definition, as a subquery. The functions only print what the system
-- catalogs say: none runs code of an object.
SELECT kind, identity, pg_get_userbyid(owner)::text AS owner, definition
FROM (
  SELECT 'SCHEMA' AS kind, 'pg_namespace'::regclass AS class, oid, quote_ident(nspname) AS identity, nspowner AS owner, '' AS definition
  FROM pg_namespace WHERE nspname NOT IN ('public', 'pg_catalog', 'information_schema') AND nspname !~ '^pg_(toast|temp)'
  UNION ALL
  SELECT 'TABLE', 'pg_class'::regclass, c.oid, format('%I.%I', nspname, relname), relowner, concat_ws(E'\n', relkind,
    CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
    (SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), pg_get_expr(adbin, adrelid)), ',' ORDER BY attname)
      FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
    (SELECT string_agg(pg_get_constraintdef(oid), ',' ORDER BY conname) FROM pg_constraint WHERE conrelid = c.oid),
    (SELECT string_agg(pg_get_indexdef(indexrelid), ',' ORDER BY pg_get_indexdef(indexrelid)) FROM pg_index WHERE indrelid = c.oid),
    (SELECT string_agg(pg_get_triggerdef(oid), ',' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal),
    (SELECT string_agg(pg_get_ruledef(oid), ',' ORDER BY rulename) FROM pg_rewrite WHERE ev_class = c.oid),
    (SELECT string_agg(concat_ws(' ', polname, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)), ',' ORDER BY polname)
      FROM pg_policy WHERE polrelid = c.oid))
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
  WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_(toast|temp)'
    -- A sequence that belongs to a column follows its table.
    AND NOT (relkind = 'S' AND EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')))
  UNION ALL
  SELECT 'TYPE', 'pg_type'::regclass, t.oid, format('%I.%I', nspname, typname), typowner, concat_ws(E'\n', typtype, typbasetype::regtype,
    (SELECT string_agg(pg_get_constraintdef(oid), ',' ORDER BY conname) FROM pg_constraint WHERE contypid = t.oid),
    (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
  FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = typnamespace LEFT JOIN pg_class AS composite ON composite.oid = typrelid
  WHERE (typtype IN ('e', 'd', 'r') OR composite.relkind = 'c') AND nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_(toast|temp)'
  UNION ALL
  SELECT 'ROUTINE', 'pg_proc'::regclass, p.oid, format('%I.%I(%s)', nspname, proname, pg_get_function_identity_arguments(p.oid)), proowner, pg_get_functiondef(p.oid)
  FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
  WHERE prokind IN ('f', 'p') AND nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_(toast|temp)'
) AS every
WHERE NOT EXISTS (SELECT FROM pg_depend WHERE classid = every.class AND objid = every.oid AND deptype = 'e')
