#!/usr/bin/env bash
# Searches the logs of all servers of a test run, at the most verbose level, for secrets and personal data.
#
#   scripts/check-logs.sh DIRECTORY POSTGRES_LOG
set -euo pipefail

directory=$1
postgres_log=$2
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

lines=$(cat "$directory"/*.log 2>/dev/null | wc -l)
if ((lines == 0)); then
    echo 'loadmaster: the servers of the tests have logged nothing: there is nothing to search.' >&2
    exit 1
fi

# The passwords of the tests are read from their sources.
passwords=$(grep -rhoE 'PASSWORD: &str = "[^"]+"' "$here/../tests" | sed -E 's/.*"(.*)"$/\1/' | sort -u | paste -sd'|')
forbidden=(
    "$passwords"
    'eyJ[A-Za-z0-9_-]{8,}\.eyJ'            # access tokens
    'lm[kr]_[A-Za-z0-9_-]{16,}'            # API keys, refresh tokens
    'argon2id'                             # hashes of passwords
    'PRIVATE KEY'
    'postgres(ql)?://[^/ ]*:[^/ ]*@'       # database passwords
    '[A-Za-z0-9.+_-]+@[A-Za-z0-9-]+\.[A-Za-z]{2,}' # e-mail addresses
    'Ann Sender|Bob Receiver|Forwarder Ltd|Consignata|HUSH|SECRET-|Secretive|Confidential' # parties and texts
)
status=0
for pattern in "${forbidden[@]}"; do
    if found=$(grep -hE -m 3 -- "$pattern" "$directory"/*.log); then
        printf 'loadmaster: a log of the tests contains forbidden text (%s), such as:\n%s\n' "$pattern" "$(head -3 <<<"$found" | cut -c -600)" >&2
        status=1
    fi
done
if [[ ! -s $postgres_log ]]; then
    echo "loadmaster: PostgreSQL has logged nothing at $postgres_log: there is nothing to search." >&2
    exit 1
fi
# PostgreSQL logs a value that it refuses: the servers must not offer it an address that is taken.
if grep -m 3 -- 'Key (email_key)=' "$postgres_log" >&2; then
    echo "loadmaster: PostgreSQL's log contains e-mail addresses, see above." >&2
    status=1
fi
((status == 0)) && echo "loadmaster: nothing secret or personal in the $lines lines that the servers logged." >&2
exit "$status"
