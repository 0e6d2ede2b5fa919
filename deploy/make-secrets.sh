#!/usr/bin/env bash
# Makes the secrets of docker-compose.yml with random passwords and a random key. See deploy/secrets/trial/README.md for the files.
set -euo pipefail

usage() {
    cat <<'USAGE'
Usage: deploy/make-secrets.sh DIRECTORY

Creates DIRECTORY with a file for each secret. Then set SECRETS_DIR=DIRECTORY in .env before the first start.
USAGE
}

case ${1:-} in
    '' | -*) usage >&2 && exit 2 ;;
esac
directory=$1
if [[ -e $directory ]]; then
    echo "loadmaster: $directory exists already; its passwords are not replaced." >&2
    exit 1
fi

# 160 bits as letters and digits, which a URL takes as they are.
password() { od -An -v -tx1 -N20 /dev/urandom | tr -d ' \n'; }

# Containers run as users of their own, which must be able to read the files mounted into them. The directory keeps the
# other users of this machine out.
mkdir -m 700 "$directory"
umask 022
app=$(password)
put() { printf '%s\n' "$2" >"$directory/$1"; }
put postgres_password "$(password)"
put owner_url "postgres://loadmaster:$(password)@postgres:5432/loadmaster"
put app_url "postgres://loadmaster_app:$app@postgres:5432/loadmaster"
put read_url "postgres://loadmaster_app:$app@postgres-replica:5432/loadmaster"
put replication_password "$(password)"
put redis_url "redis://:$(password)@redis:6379"
put secrets_key "$(head -c 32 /dev/urandom | base64)"
put grafana_password "$(password)"
echo "loadmaster: made the secrets in $directory"
