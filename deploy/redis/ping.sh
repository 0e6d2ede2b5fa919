#!/bin/sh
# Asks Redis for a sign of life. `redis-cli` succeeds whatever the answer is.
set -eu
REDISCLI_AUTH=$(sed -n 's|^[a-z]*://[^:/]*:\([^@]*\)@.*|\1|p' /run/secrets/redis_url)
export REDISCLI_AUTH
redis-cli ping | grep -qx PONG
