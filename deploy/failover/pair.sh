#!/usr/bin/env bash
# Failover of two PostgreSQL servers with synchronous replication, without a cluster manager. Runs on the machine of the
# HAProxy that all clients use (haproxy-pair.cfg): what gets no connection there is fenced off.
#
#   pair.sh watch              keeps replication synchronous, and promotes the standby when the primary is gone
#   pair.sh promote NAME       promotes this standby now, whatever it may lack
#   pair.sh rejoin DATA NAME   on the former primary's machine, as PostgreSQL's user: turns its data directory into a
#                              standby of the new primary; then start the server
#
# Settings, from the environment:
#   PAIR_SERVERS   names and addresses, such as "a=10.0.0.11:5432 b=10.0.0.12:5432"; the names are those in HAProxy, of the
#                  replication slots, and the application_name of each standby
#   PAIR_HAPROXY   the address of HAProxy's `stats socket` (127.0.0.1:9999)
#   PAIR_BACKEND   the name of the backend there (postgresql)
#   PAIR_TRIES     probes of three seconds at most that fail before the primary counts as gone (2)
#   PGUSER         a superuser (postgres); give its password in a PGPASSFILE
#
# The standby is promoted only if it was synchronous at the last probe that succeeded: it then has every acknowledged
# commit. `synchronous_standby_names` is never emptied but by a promotion: while the standby is away, commits wait.
set -euo pipefail

: "${PAIR_SERVERS:?names and addresses, such as \"a=10.0.0.11:5432 b=10.0.0.12:5432\"}"
HAPROXY=${PAIR_HAPROXY:-127.0.0.1:9999}
BACKEND=${PAIR_BACKEND:-postgresql}
TRIES=${PAIR_TRIES:-2}
export PGUSER=${PGUSER:-postgres} PGCONNECT_TIMEOUT=2

say() { echo "$(date -u +%FT%TZ) pair.sh: $*" >&2; }

fail() {
    say "$*"
    exit 1
}

names() {
    local server
    for server in $PAIR_SERVERS; do echo "${server%%=*}"; done
}

address_of() { # name
    local server
    for server in $PAIR_SERVERS; do
        if [[ ${server%%=*} == "$1" ]]; then echo "${server#*=}"; fi
    done
}

other() { # name
    local name
    for name in $(names); do
        if [[ $name != "$1" ]]; then echo "$name"; fi
    done
}

# Bounded in time: a server that stands still accepts a connection and answers nothing.
ask() { # name sql
    local address
    address=$(address_of "$1")
    timeout 3 psql -XAtq -v ON_ERROR_STOP=1 -h "${address%:*}" -p "${address##*:}" -d postgres -c "$2"
}

tell_proxy() { # command...
    local answer
    exec 3<>"/dev/tcp/${HAPROXY%:*}/${HAPROXY##*:}"
    printf '%s\n' "$*" >&3
    answer=$(timeout 3 cat <&3)
    exec 3>&-
    [[ -z ${answer//[[:space:]]/} ]] || fail "HAProxy refuses '$*': $answer"
}

# Prints the name of the server that is not a standby.
primary() {
    local name found=''
    for name in $(names); do
        if [[ $(ask "$name" 'select pg_is_in_recovery()' 2>/dev/null) == f ]]; then found+=" $name"; fi
    done
    # shellcheck disable=SC2086  # names are words
    set -- $found
    (($# == 1)) || fail "there must be one primary, and there are $#:$found"
    echo "$1"
}

# Fences the former primary off first: from then on no client can have a commit acknowledged by it.
promote() { # standby
    local former
    former=$(other "$1")
    say "promoting $1; $former is fenced off"
    tell_proxy "set server $BACKEND/$former state maint"
    tell_proxy "shutdown sessions server $BACKEND/$former"
    # There is no second server to wait for.
    ask "$1" "alter system set synchronous_standby_names = ''"
    ask "$1" 'select pg_reload_conf()' >/dev/null
    [[ $(ask "$1" 'select pg_promote(true, 2)') == t ]] || fail "$1 does not become the primary"
    tell_proxy "set server $BACKEND/$1 state ready"
    say "$1 is the primary"
}

# What the primary says of its standby: `synchronous`, `streaming` or `away`.
state_of_standby() { # primary standby
    ask "$1" "
        select case when max(s.pid) is null then 'away'
                    when bool_or(s.sync_state in ('sync', 'quorum'))
                         and current_setting('synchronous_standby_names') <> '' then 'synchronous'
                    else 'streaming' end
        from pg_stat_replication s where s.application_name = '$2' and s.state = 'streaming'"
}

watch() {
    local primary standby state last='' failures=0
    primary=$(primary)
    standby=$(other "$primary")
    say "$primary is the primary, $standby the standby"
    while true; do
        if state=$(state_of_standby "$primary" "$standby" 2>/dev/null); then
            failures=0
            if [[ $state != "$last" ]]; then say "the standby $standby is $state"; fi
            last=$state
            if [[ $state == streaming ]]; then
                say "commits wait for $standby from now on"
                ask "$primary" "alter system set synchronous_standby_names = '$standby'" || true
                ask "$primary" 'select pg_reload_conf()' >/dev/null || true
            fi
        elif ((++failures >= TRIES)); then
            if [[ $last == synchronous ]]; then
                promote "$standby"
                standby=$primary
                primary=$(other "$standby")
                failures=0 last=''
            elif ((failures == TRIES)); then
                say "$primary does not answer, and $standby may lack commits: it is not promoted"
            fi
        fi
        sleep 1
    done
}

rejoin() { # data name
    local data=$1 name=$2 primary address source
    primary=$(primary)
    [[ $primary != "$name" ]] || fail "$name is the primary"
    address=$(address_of "$primary")
    source="host=${address%:*} port=${address##*:} user=$PGUSER dbname=postgres application_name=$name"
    if pg_ctl status -D "$data" >/dev/null; then pg_ctl stop -D "$data" -m immediate; fi
    ask "$primary" "select pg_create_physical_replication_slot('$name')
                    where not exists (select from pg_replication_slots where slot_name = '$name')" >/dev/null
    # pg_rewind learns of the promotion from the new primary's last checkpoint.
    PGCONNECT_TIMEOUT=5 psql -Xq -h "${address%:*}" -p "${address##*:}" -d postgres -c checkpoint
    # Takes back what the new primary lacks; such commits were never acknowledged.
    pg_rewind --target-pgdata="$data" --source-server="$source" --write-recovery-conf
    echo "primary_slot_name = '$name'" >>"$data/postgresql.auto.conf"
    say "$data is a standby of $primary: start the server"
}

case ${1:-} in
    watch) watch ;;
    promote) promote "${2:?the name of the standby}" ;;
    rejoin) rejoin "${2:?the data directory}" "${3:?the name of this server}" ;;
    *) fail "say watch, promote NAME, or rejoin DATA NAME" ;;
esac
