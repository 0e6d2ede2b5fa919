#!/bin/sh
# Starts Redis, which demands the password in the secret `redis_url`. Its settings go in by a pipe: a list of processes
# shows command lines.
set -eu

password=$(sed -n 's|^[a-z]*://[^:/]*:\([^@]*\)@.*|\1|p' /run/secrets/redis_url)
: "${password:?the secret redis_url has no password}"

# Redis holds a cache, courtesy locks, counters and the event stream, none of which needs a disk. Keys that expire may be
# evicted; the stream, which subscribers read, may not.
exec redis-server - <<SETTINGS
requirepass $password
save ""
appendonly no
maxmemory ${REDIS_MAXMEMORY:-256mb}
maxmemory-policy volatile-lru
SETTINGS
