#!/usr/bin/env bash
# Copies a segment of the write-ahead log into the archive. PostgreSQL calls it:
#
#   archive_mode = on
#   archive_timeout = 60          # at most a minute is lost with the machine
#   archive_command = '/usr/local/lib/loadmaster/archive-wal.sh /var/backups/loadmaster %p %f'
#
# The directory belongs on another machine or storage than the database.
set -euo pipefail

backups=${1:?the directory of the backups} segment=${2:?the path of the segment} name=${3:?its name}
target=$backups/wal/$name

mkdir -p "$backups/wal"
# PostgreSQL repeats a segment if it did not learn that it was archived. Another one under its name is a mistake.
if [[ -e $target ]]; then
    cmp -s "$segment" "$target"
    exit
fi
cp "$segment" "$target.part"
sync "$target.part"
mv "$target.part" "$target"
sync "$backups/wal"
