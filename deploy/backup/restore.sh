#!/usr/bin/env bash
# Prepares a data directory as the database was at some moment:
#
#   restore.sh /var/backups/loadmaster BASE DATA ['2026-11-22 15:04:05+00']
#
# BASE is a base backup that ended before that moment; DATA is a directory that does not exist yet. Without a moment,
# everything in the archive is replayed. Run it as PostgreSQL's user, on a version of PostgreSQL like the one before. Then:
#
#   1. start the server, and wait until `select pg_is_in_recovery()` is false
#   2. loadmaster restored
#   3. start the serving processes
#   4. loadmaster audit
set -euo pipefail

backups=${1:?the directory of the backups} base=${2:?the base backup} data=${3:?the new data directory} moment=${4:-}

if [[ -e $data ]]; then
    echo "restore.sh: $data exists: move it away; it may hold what the archive lacks" >&2
    exit 1
fi
cp -a "$base" "$data"
chmod 700 "$data"
touch "$data/recovery.signal"
# The last line for a setting counts. A standby that the former server waited for is not there.
{
    echo "restore_command = 'cp \"$backups/wal/%f\" \"%p\"'"
    echo "recovery_target_action = 'promote'"
    echo "recovery_target_timeline = 'latest'"
    echo "synchronous_standby_names = ''"
    if [[ -n $moment ]]; then echo "recovery_target_time = '$moment'"; fi
} >>"$data/postgresql.auto.conf"
