-- A database with everything that a backup has to carry, and with code of the application's role that takes whatever rights it
-- can get wherever it runs.
\set role `cat /run/secrets/POSTGRES_USER`
\set database `cat /run/secrets/POSTGRES_DB`
CREATE ROLE reader LOGIN;
CREATE ROLE "Other" LOGIN;
CREATE EXTENSION pg_stat_statements;
CREATE EXTENSION dblink;
CREATE SCHEMA ext AUTHORIZATION :"role";
CREATE EXTENSION postgres_fdw SCHEMA ext;
GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO :"role";

SET SESSION AUTHORIZATION :"role";
CREATE EXTENSION hstore;
CREATE FUNCTION public.planted(x int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  BEGIN EXECUTE 'RESET ROLE'; EXCEPTION WHEN OTHERS THEN NULL; END;
  BEGIN EXECUTE 'ALTER ROLE "Canary User" SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
  BEGIN EXECUTE 'ALTER ROLE ' || quote_ident(session_user) || ' SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
  BEGIN EXECUTE 'CREATE ROLE gained SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
  BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''echo >/tmp/gained'''; EXCEPTION WHEN OTHERS THEN NULL; END;
  RETURN true;
END $$;
CREATE FUNCTION public.planted_index(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM public.planted(x); RETURN x; END';
-- Names that a careless query finds before those of the system.
CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM public.planted(1); RETURN $1; END';
CREATE FUNCTION public.same(name, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN public.planted(1); END';
CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.same);

CREATE TABLE trap (x int CHECK (public.planted(x)));
COMMENT ON TABLE trap IS 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx';
INSERT INTO trap VALUES (1), (2);
CREATE INDEX ON trap ((public.planted_index(x)));
CREATE VIEW looked_at AS SELECT public.planted(x) FROM trap;
CREATE MATERIALIZED VIEW kept AS SELECT public.planted_index(x) AS x FROM trap;
CREATE TABLE hidden (x int);
INSERT INTO hidden VALUES (1), (2), (3);
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
ALTER TABLE hidden FORCE ROW LEVEL SECURITY;
CREATE POLICY late ON hidden USING (public.planted(x) AND x > 1);

CREATE TABLE parted (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2027-01-01') TO ('2028-01-01') PARTITION BY RANGE (at);
INSERT INTO parted VALUES (1, '2026-05-05'), (2, '2026-06-06');
CREATE TABLE base (a int);
CREATE TABLE derived (b int) INHERITS (base);
INSERT INTO derived VALUES (2, 3);
CREATE TABLE empty (x int);
CREATE UNLOGGED TABLE fleeting (x int);
CREATE TABLE "A TABLE DATA ""x"" $y" (x int);
CREATE SCHEMA "Second one";
CREATE TABLE "Second one".t (id bigserial, v text, h hstore, numbered int GENERATED ALWAYS AS IDENTITY);
INSERT INTO "Second one".t (v) VALUES ('x'), ('y');
CREATE SEQUENCE loose;
CREATE TYPE mood AS ENUM ('a', 'b');
CREATE DOMAIN positive AS int CHECK (public.planted(VALUE));
SELECT lo_from_bytea(0, 'large');
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'nowhere');
CREATE USER MAPPING FOR :"role" SERVER far OPTIONS (user 'a', password 'b');
CREATE FOREIGN TABLE foreign_one (x int) SERVER far;

GRANT SELECT ON trap TO reader;
GRANT USAGE ON SCHEMA "Second one" TO reader WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA "Second one" GRANT SELECT ON SEQUENCES TO reader;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
RESET SESSION AUTHORIZATION;

CREATE SCHEMA audit AUTHORIZATION "Other";
CREATE TABLE audit.log (x int);
GRANT INSERT ON audit.log TO :"role";
CREATE TABLE others (x int);
ALTER TABLE others OWNER TO "Other";
GRANT SELECT ON others TO :"role";
CREATE FUNCTION of_other() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT x FROM public.others';
ALTER FUNCTION of_other() OWNER TO "Other";

GRANT CONNECT ON DATABASE :"database" TO reader;
-- The last element tries to be SQL.
ALTER DATABASE :"database" SET search_path TO public, "Second one", 'a;DROP/**/ROLE"reader"';
ALTER DATABASE :"database" SET statement_timeout = '30s';
ALTER ROLE reader IN DATABASE :"database" SET work_mem = '8MB';
ALTER DATABASE :"database" CONNECTION LIMIT 40;
COMMENT ON DATABASE :"database" IS 'the shop''s';
