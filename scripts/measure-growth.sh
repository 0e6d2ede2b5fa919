#!/usr/bin/env bash
# Measures what a booking costs in PostgreSQL and Redis: bytes of each table with its indexes, bytes of write-ahead log,
# memory of the event stream. The figures of docs/scaling.md come from it.
#
#   scripts/measure-growth.sh [bookings] [binary]      defaults: 20000, the development build
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

BOOKINGS=${1:-20000}
binary=$(realpath "${2:-${CARGO_TARGET_DIR:-target}/debug/loadmaster}")
[[ -x $binary ]] || { echo "loadmaster: $binary is not built" >&2 && exit 1; }

# shellcheck source=scripts/setup.sh
source scripts/setup.sh
# shellcheck source=scripts/test-servers.sh
source scripts/test-servers.sh

server=''
# shellcheck disable=SC2317  # called by the trap
finish() {
    if [[ -n $server ]]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    group_stop
    servers_stop
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

servers_clean_environment
servers_start
PSQL=$(postgres_client psql "$TEST_POSTGRES_BIN")
MEASURE_URL=${TEST_OWNER_URL/\/postgres\?//measure?}
REDIS_SOCKET=$SERVERS_DIR/redis/redis.sock
"$PSQL" "$TEST_OWNER_URL" -XAtq -c 'create role loadmaster_app login' -c 'create database measure' \
    -c 'alter system set full_page_writes = on' -c 'alter system set max_wal_size = 4096' -c 'select pg_reload_conf()' >/dev/null

export PSQL MEASURE_URL REDIS_SOCKET BOOKINGS
export PORT=${PORT:-18080} LOADMASTER_RATE_LIMIT__ENABLED=false RUST_LOG=warn REDIS_URL=$TEST_REDIS_URL
export LOADMASTER_DATABASE__OWNER_URL=$MEASURE_URL DATABASE_URL=${MEASURE_URL/loadmaster@/loadmaster_app@}
"$binary" migrate
"$binary" user create --email staff@example.com --role admin --password-stdin <<<'a phrase to measure'
"$binary" serve >"$SERVERS_DIR/serve.log" 2>&1 &
server=$!
tries=0
until "$binary" healthcheck >/dev/null 2>&1; do
    ((++tries < 300)) || servers_fail "the server did not start." "$SERVERS_DIR/serve.log"
    sleep 0.1
done
"$PSQL" "$MEASURE_URL" -XAtq -c 'select version()'
"$binary" --version
group_run python3 scripts/measure-growth.py
