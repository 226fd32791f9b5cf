-- Run once, when the database is made: a role that may do nothing but own its own database. The values are read from
-- files, so that they stand in no process's arguments.
\set database `cat /run/secrets/POSTGRES_DB`
\set role `cat /run/secrets/POSTGRES_USER`
\set password `cat /run/secrets/POSTGRES_PASSWORD`

CREATE ROLE :"role" LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
CREATE DATABASE :"database" OWNER :"role";
REVOKE ALL ON DATABASE :"database", postgres, template1 FROM PUBLIC;
-- Without a password nobody can be the superuser over the network; on the server's socket the system's user postgres is.
ALTER ROLE postgres PASSWORD NULL;
