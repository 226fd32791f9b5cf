-- In the current database: as JSON, what a backup that one role has loaded lacks: default privileges, objects of other roles,
-- and the foreign data wrappers that roles may use. Reads the system catalogs only.
SELECT jsonb_build_object(
  'defaults', (SELECT coalesce(jsonb_agg(jsonb_build_object('role', pg_get_userbyid(defaclrole), 'schema', nspname, 'type', defaclobjtype,
      'privilege', privilege_type, 'grantee', CASE WHEN grantee <> 0 THEN pg_get_userbyid(grantee) END, 'grantable', is_grantable)), '[]')
    FROM pg_default_acl LEFT JOIN pg_namespace ON pg_namespace.oid = defaclnamespace LEFT JOIN LATERAL aclexplode(defaclacl) ON true),
  'wrappers', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', fdwname, 'grantee', pg_get_userbyid(grantee))), '[]')
    FROM pg_foreign_data_wrapper, aclexplode(fdwacl) WHERE privilege_type = 'USAGE' AND grantee NOT IN (0, fdwowner)),
  'owned', (SELECT coalesce(jsonb_agg(to_jsonb(object)), '[]') FROM (:objects) AS object WHERE owner <> :'owner')
)
