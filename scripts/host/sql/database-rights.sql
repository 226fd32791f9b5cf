-- From another database: gives database :new the owner, rights, settings, connection limit and comment of :current.
SELECT format('ALTER DATABASE %I OWNER TO %I', :'new', pg_get_userbyid(datdba)) FROM pg_database WHERE datname = :'current' \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC, %I', :'new', pg_get_userbyid(datdba)) FROM pg_database WHERE datname = :'current' \gexec
SELECT format('GRANT %s ON DATABASE %I TO %s%s', privilege_type, :'new', CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END)
FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE datname = :'current' \gexec

-- Whatever the backup set for it.
ALTER DATABASE :"new" RESET ALL;
-- The value of a list is stored as SQL, which a role may have made up: it is taken apart and quoted again.
SELECT format('ALTER %s %I SET %I TO %s', CASE setrole WHEN 0 THEN 'DATABASE' ELSE format('ROLE %I IN DATABASE', pg_get_userbyid(setrole)) END,
  :'new', name, CASE WHEN name IN ('search_path', 'session_preload_libraries', 'local_preload_libraries', 'temp_tablespaces')
    THEN coalesce((SELECT string_agg(quote_literal(CASE WHEN item[1] LIKE '"%' THEN replace(substr(item[1], 2, length(item[1]) - 2), '""', '"') ELSE item[1] END), ', ' ORDER BY at)
      FROM regexp_matches(value, '"(?:[^"]|"")*"|[^",\s]+', 'g') WITH ORDINALITY AS found (item, at)), '''''')
    ELSE quote_literal(value) END)
FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase, unnest(setconfig) AS setting,
  LATERAL (SELECT split_part(setting, '=', 1) AS name, substr(setting, strpos(setting, '=') + 1) AS value) AS parts
WHERE datname = :'current' \gexec

SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', :'new', datconnlimit) FROM pg_database WHERE datname = :'current' \gexec
SELECT format('COMMENT ON DATABASE %I IS %L', :'new', shobj_description(oid, 'pg_database')) FROM pg_database WHERE datname = :'current' \gexec
