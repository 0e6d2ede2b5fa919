#!/bin/bash
# Does what the entrypoint of the official image does, as far as the Compose files rely on it.
set -eu

if [[ $1 == -* ]]; then set -- postgres "$@"; fi
if [[ $1 != postgres ]]; then exec "$@"; fi

if [[ -n ${POSTGRES_PASSWORD_FILE:-} ]]; then
    if [[ -n ${POSTGRES_PASSWORD:-} ]]; then echo 'both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are set' >&2 && exit 1; fi
    POSTGRES_PASSWORD=$(<"$POSTGRES_PASSWORD_FILE")
fi
unset POSTGRES_PASSWORD_FILE
export POSTGRES_PASSWORD=${POSTGRES_PASSWORD:-} POSTGRES_USER=${POSTGRES_USER:-postgres}
export POSTGRES_DB=${POSTGRES_DB:-$POSTGRES_USER}

mkdir -p "$PGDATA"
chmod 700 "$PGDATA" || true
if ((EUID == 0)); then
    find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

if [[ ! -s $PGDATA/PG_VERSION ]]; then
    if [[ -z $POSTGRES_PASSWORD ]]; then echo 'POSTGRES_PASSWORD is not set' >&2 && exit 1; fi
    # shellcheck disable=SC2086  # several arguments
    initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") ${POSTGRES_INITDB_ARGS:-}
    printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    PGUSER=$POSTGRES_USER pg_ctl -D "$PGDATA" -o "$(printf '%q ' "${@:2}" -c listen_addresses='' -p 5432)" -w start
    if [[ $POSTGRES_DB != postgres ]]; then createdb --username="$POSTGRES_USER" "$POSTGRES_DB"; fi
    # shellcheck disable=SC1090  # whatever is mounted
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
            *.sh) if [[ -x $file ]]; then "$file"; else . "$file"; fi ;;
            *.sql) psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" --file="$file" ;;
        esac
    done
    PGUSER=$POSTGRES_USER pg_ctl -D "$PGDATA" -m fast -w stop
fi
unset POSTGRES_PASSWORD
if [[ $* != *listen_addresses* ]]; then set -- "$@" -c listen_addresses='*'; fi
exec "$@"
