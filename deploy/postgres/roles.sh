#!/bin/sh
# Creates the roles and the database. PostgreSQL's image runs this once, when it creates its data. It can be repeated, and
# then gives the roles the passwords that the secrets hold now:
#
#   docker compose exec postgres sh /docker-entrypoint-initdb.d/roles.sh
#
#   loadmaster           owns the database; `migrate` alone uses it
#   loadmaster_app       serves; `migrate` grants it its rights
#   loadmaster_replica   copies the write-ahead log to a replica
set -eu

# Prints the password in the URL of a secret.
password_in() { sed -n 's|^[a-z]*://[^:/]*:\([^@]*\)@.*|\1|p' "/run/secrets/$1"; }

OWNER_PASSWORD=$(password_in owner_url)
APP_PASSWORD=$(password_in app_url)
REPLICA_PASSWORD=$(cat /run/secrets/replication_password)
export OWNER_PASSWORD APP_PASSWORD REPLICA_PASSWORD
: "${OWNER_PASSWORD:?the secret owner_url has no password}" "${APP_PASSWORD:?the secret app_url has no password}"

# The image's own rule for other machines does not include replication.
rule='host replication loadmaster_replica samenet scram-sha-256'
grep -qxF "$rule" "$PGDATA/pg_hba.conf" || echo "$rule" >>"$PGDATA/pg_hba.conf"

psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
\getenv replica_password REPLICA_PASSWORD
select format('create role %I', name) from unnest(array['loadmaster', 'loadmaster_app', 'loadmaster_replica']) as name
where not exists (select from pg_roles where rolname = name) \gexec
alter role loadmaster
    with login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password :'owner_password';
alter role loadmaster_app
    with login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password :'app_password';
alter role loadmaster_replica
    with login nosuperuser nocreatedb nocreaterole replication nobypassrls password :'replica_password';
select 'create database loadmaster owner loadmaster'
where not exists (select from pg_database where datname = 'loadmaster') \gexec
SQL
