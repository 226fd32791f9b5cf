-- Indexes that no query uses: what an interrupted CREATE INDEX CONCURRENTLY leaves, or builds at the moment. Partitioned tables may
-- have some on purpose.
SELECT concat_ws(E'\t', :'phase', format('%I.%I', nspname, relname), indrelid::regclass)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE NOT indisvalid AND relkind = 'i';
