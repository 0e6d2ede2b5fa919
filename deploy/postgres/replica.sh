#!/bin/sh
# Starts a streaming standby of the service `postgres`, from a base backup where it has no data yet. Its arguments are the
# command of the server.
set -eu

# The password must be in a file for PostgreSQL, and stand in no list of processes.
umask 077
printf 'postgres:5432:*:loadmaster_replica:%s\n' "$(cat /run/secrets/replication_password)" >/tmp/pgpass
primary='host=postgres port=5432 user=loadmaster_replica passfile=/tmp/pgpass application_name=postgres-replica'

# An interrupted base backup leaves files behind that look like a whole one.
if [ ! -e "$PGDATA/base-backup-is-complete" ]; then
    echo "postgres-replica: copying the primary"
    find "$PGDATA" -mindepth 1 -delete
    chmod 700 "$PGDATA"
    pg_basebackup --dbname="$primary" --pgdata="$PGDATA" --wal-method=stream --checkpoint=fast
    touch "$PGDATA/standby.signal" "$PGDATA/base-backup-is-complete"
fi
exec "$@" -c "primary_conninfo=$primary"
