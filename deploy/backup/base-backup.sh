#!/usr/bin/env bash
# Makes a base backup of a running PostgreSQL and verifies it: base-backup.sh /var/backups/loadmaster
#
# Reaches the server by libpq's variables (PGHOST, PGPORT, PGUSER, PGPASSFILE), as a role with the right to replicate; the
# programs of PostgreSQL must be on PATH. Prints the path of the backup. Make one each night, and delete backups and segments
# when they are older than you may want to go back.
set -euo pipefail

backups=${1:?the directory of the backups}
target=$backups/base/$(date -u +%Y-%m-%dT%H-%M-%SZ)

mkdir -p "$backups/base"
pg_basebackup --pgdata "$target.part" --checkpoint=fast --wal-method=stream >&2
pg_verifybackup --quiet "$target.part" >&2
mv "$target.part" "$target"
echo "$target"
