-- In the current database. Of :names, separated by /, the extensions that only a superuser can create: NAME|t|SCHEMA if the
-- current database has it, NAME|f| if not.
SELECT wanted.name, live.oid IS NOT NULL, (SELECT nspname FROM pg_namespace WHERE oid = live.extnamespace)
FROM unnest(string_to_array(:'names', '/')) WITH ORDINALITY AS wanted (name, at) LEFT JOIN pg_extension AS live ON live.extname = wanted.name
WHERE NOT EXISTS (
  SELECT FROM pg_available_extensions AS offer JOIN pg_available_extension_versions AS version ON version.name = offer.name AND version.version = offer.default_version
  WHERE offer.name = wanted.name AND (version.trusted OR NOT version.superuser))
ORDER BY at
