# shellcheck shell=bash
# Names that PostgreSQL's image uses itself. A database or role with one of them would break the initialisation half-way, make
# the application a superuser, or be dropped by a restore. ci/src/site/secrets.ts has the same rule; a test compares the two.

# fault_of_names DATABASE USER: says in one line, without the names, what is wrong; nothing if they can be used.
fault_of_names() {
  case $1 in
    postgres | template0 | template1 | restoring_* | replaced_*)
      echo "POSTGRES_DB is a name that PostgreSQL or a restore uses itself (postgres, template0, template1, restoring_..., replaced_...): choose another" ;;
  esac
  case $2 in
    postgres | public | none | pg_*)
      echo "POSTGRES_USER is a name that PostgreSQL uses itself (postgres, public, none, pg_...): choose another" ;;
  esac
  [ "$(LC_ALL=C && echo ${#1})" -le 63 ] || echo "POSTGRES_DB is longer than PostgreSQL's 63 bytes: choose a shorter one"
  [ "$(LC_ALL=C && echo ${#2})" -le 63 ] || echo "POSTGRES_USER is longer than PostgreSQL's 63 bytes: choose a shorter one"
}
