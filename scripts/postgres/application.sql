-- Runs once, when the database is created: creates a role whose only right is to own its database. Reads the values from
-- files, so that no process has them as arguments.
\set database `cat /run/secrets/POSTGRES_DB`
\set role `cat /run/secrets/POSTGRES_USER`
\set password `cat /run/secrets/POSTGRES_PASSWORD`

CREATE ROLE :"role" LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
CREATE DATABASE :"database" OWNER :"role";
REVOKE ALL ON DATABASE :"database", postgres, template1 FROM PUBLIC;
-- Without a password nobody can log in as the superuser over the network; the system user postgres can, over the Unix socket.
ALTER ROLE postgres PASSWORD NULL;
-- The last step: from here on the data is complete (see initdb).
\! rm -f "$PGDATA/stackline-initialising"
