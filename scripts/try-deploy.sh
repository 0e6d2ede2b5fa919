#!/usr/bin/env bash
# Starts what deploy/systemd and deploy/kubernetes describe, as far as one machine can: a real systemd boots in a container
# that sees this machine's files under an overlay, without a network. In it run PostgreSQL, Redis, Prometheus, the units as
# deploy/systemd/README.md installs them, and the Pods' processes with their settings, user and restrictions.
#
#   scripts/try-deploy.sh [binary]      default: the development build
#
# Needs root and overlayfs. Exits 75 where it cannot run. Closes with a line "N passed, N failed".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

SKIPPED=75
binary=${1:-${CARGO_TARGET_DIR:-target}/debug/loadmaster}
tools=${CARGO_TARGET_DIR:-target}/deploy-tools/validate/bin/python

# shellcheck disable=SC2034  # both are read by the script that is sourced
SETUP_FOR_TESTS=1 SETUP_FOR_DEPLOY=nspawn
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

give_up() {
    echo "*** SKIPPED: $1. The units and the Pods' settings were NOT started. ***"
    exit "$SKIPPED"
}

((EUID == 0)) || give_up "only root can boot a container"
command -v systemd-nspawn >/dev/null || give_up "systemd-nspawn is not installed"
[[ -x $binary ]] || give_up "$binary is not built"
# The versions of its tools are pinned there.
scripts/check-deploy.sh >/dev/null || (($? == SKIPPED)) || { echo "scripts/check-deploy.sh failed" && exit 1; }
[[ -x $tools ]] || give_up "PyYAML could not be installed"

base=$(mktemp -d /tmp/loadmaster-try.XXXXXX)
container=''
leader=''

# shellcheck disable=SC2317  # called by the trap
finish() {
    local tries=0
    if [[ -n $leader ]]; then kill -RTMIN+4 "$leader" 2>/dev/null || true; fi
    while [[ -n $container ]] && kill -0 "$container" 2>/dev/null && ((++tries < 150)); do sleep 0.1; done
    if [[ -n $container ]]; then
        kill -KILL ${leader:+"$leader"} "$container" 2>/dev/null || true
        wait "$container" 2>/dev/null || true
    fi
    umount "$base/layers/root" 2>/dev/null || true
    umount "$base/layers" 2>/dev/null || true
    rm -rf --one-file-system "$base"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

inside() { nsenter --target "$leader" --mount --uts --ipc --net --pid --root --wdns=/ -- "$@"; }

# Changes go into memory: an overlay cannot lie within the file system that it covers.
boot() {
    local tries=0
    mkdir "$base/layers"
    mount -t tmpfs -o size=2g,mode=755 loadmaster-try "$base/layers"
    mkdir "$base/layers/upper" "$base/layers/work" "$base/layers/root"
    mount -t overlay -o "lowerdir=/,upperdir=$base/layers/upper,workdir=$base/layers/work" loadmaster-try "$base/layers/root" ||
        give_up "overlayfs cannot cover this machine's root"
    : >"$base/layers/root/etc/machine-id"
    install -m 755 "$binary" "$base/layers/root/usr/local/bin/loadmaster"
    install -m 644 deploy/systemd/*.service "$base/layers/root/etc/systemd/system/"
    systemd-nspawn --quiet --register=no --keep-unit --private-network --machine="loadmaster-try-$$" \
        --directory="$base/layers/root" --boot systemd.unit=sysinit.target </dev/null >"$base/console.log" 2>&1 &
    container=$!
    until leader=$(pgrep -P "$container" | head -n 1) && [[ -n $leader ]] &&
        inside systemctl is-active --quiet sysinit.target 2>/dev/null; do
        if ! kill -0 "$container" 2>/dev/null || ((++tries > 300)); then
            tail -n 5 "$base/console.log"
            give_up "systemd does not boot in a container here"
        fi
        sleep 0.1
    done
}

passed=0
failed=0
verdict() { # name expected actual
    if [[ $3 == "$2" ]]; then
        passed=$((passed + 1))
        echo "ok      $1"
    else
        failed=$((failed + 1))
        echo "FAILED  $1: '$3' instead of '$2'"
    fi
}

status_of() { inside curl --silent --output /dev/null --write-out '%{http_code}' --max-time 5 "http://127.0.0.1:8080$1" || true; }

await_status() { # path status
    local tries=0 found
    until found=$(status_of "$1") && [[ $found == "$2" ]] || ((++tries > 150)); do sleep 0.1; done
    echo "$found"
}

value_of() { inside systemctl show --property="$2" --value "$1"; }

start_postgres() {
    local bin data=/var/lib/loadmaster-try-postgres tries=0
    bin=$(postgres_bin_dir)
    inside install -d -o postgres -g postgres -m 700 "$data"
    inside runuser -u postgres -- env LC_ALL=C "$bin/initdb" --pgdata="$data" --auth=scram-sha-256 --auth-local=trust \
        --no-sync --username=postgres --encoding=UTF8 --locale=C >"$base/initdb.log" 2>&1
    inside systemd-run --quiet --unit=try-postgres --uid=postgres --property=KillSignal=SIGINT \
        "$bin/postgres" -D "$data" -c listen_addresses=127.0.0.1 -c unix_socket_directories=/tmp
    until inside pg_isready --quiet --host=/tmp; do
        ((++tries < 150)) || { echo "PostgreSQL did not start" && exit 1; }
        sleep 0.1
    done
    inside psql --quiet --no-psqlrc --host=/tmp --username=postgres --command="create role loadmaster login password 'owner'" \
        --command="create role loadmaster_app login password 'app'" --command="create database loadmaster owner loadmaster"
}

start_redis() {
    inside systemd-run --quiet --unit=try-redis redis-server --port 6379 --bind 127.0.0.1 --save '' --maxmemory 64mb \
        --maxmemory-policy volatile-lru
}

write_urls() { # directory owner's-file
    # shellcheck disable=SC2016  # expanded by the inner shell
    inside sh -c 'umask 077; mkdir -p "$1"
        echo postgres://loadmaster_app:app@localhost/loadmaster >"$1/database-url"
        echo postgres://loadmaster:owner@localhost/loadmaster >"$2"
        echo redis://localhost:6379 >"$1/redis-url"
        head -c 32 /dev/urandom | base64 >"$1/secrets-key"' sh "$1" "$2"
}

try_systemd() {
    local pid flags
    write_urls /etc/loadmaster /etc/loadmaster/owner-database-url
    inside systemctl start loadmaster
    verdict "the migration succeeds before the server starts" "success 0" \
        "$(value_of loadmaster-migrate Result) $(value_of loadmaster-migrate ExecMainStatus)"
    verdict "the server is ready" 200 "$(await_status /readyz 200)"
    verdict "PostgreSQL and Redis are healthy" '{"status":"healthy"}' "$(inside curl --silent http://127.0.0.1:8080/health)"

    pid=$(value_of loadmaster MainPID)
    flags=$(inside grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' "/proc/$pid/status" | tr -d '\t\n')
    verdict "it has no rights" CapEff:0000000000000000CapBnd:0000000000000000NoNewPrivs:1Seccomp:2 "$flags"
    # shellcheck disable=SC2016  # awk expands it
    verdict "it does not run as root" no "$(inside awk '/^Uid:/ { print $2 == 0 ? "yes" : "no" }' "/proc/$pid/status")"
    verdict "it may open enough files for all connections" 0 \
        "$(inside journalctl --no-pager --output=cat --unit=loadmaster | grep -c 'allows fewer connections' || true)"
    verdict "its environment has no password" 0 "$(inside grep -c app@ "/proc/$pid/environ" || true)"
    verdict "a person can register" 201 "$(inside curl --silent --output /dev/null --write-out '%{http_code}' \
        --header 'Content-Type: application/json' --data '{"email":"s@example.com","password":"a phrase to try"}' \
        http://127.0.0.1:8080/api/v1/auth/register)"

    inside kill -KILL "$pid"
    verdict "after kill -9 it is back" 200 "$(sleep 1 && await_status /readyz 200)"
    verdict "by one restart" 1 "$(value_of loadmaster NRestarts)"
    inside systemctl stop loadmaster
    verdict "a stop is clean" "success 0" "$(value_of loadmaster Result) $(value_of loadmaster ExecMainStatus)"

    inside mv /etc/loadmaster/owner-database-url /root/
    inside systemctl start loadmaster
    verdict "without the owner's URL the migration is skipped" no "$(value_of loadmaster-migrate ConditionResult)"
    verdict "and the server serves" 200 "$(await_status /readyz 200)"
    inside mv /root/owner-database-url /etc/loadmaster/
    inside systemctl stop loadmaster

    inside systemctl kill --signal=SIGSTOP try-postgres
    inside systemctl kill --signal=SIGKILL try-postgres
    inside systemctl start loadmaster
    verdict "without PostgreSQL the server waits alive" 200 "$(await_status /livez 200)"
    verdict "and not ready" 503 "$(status_of /readyz)"
    inside systemctl stop loadmaster
    inside systemctl reset-failed
}

# The process of a Pod: its variables, its user, nothing writable, no capabilities.
start_pod() { # server|migrate unit option... -- argument
    local which=$1 unit=$2 variables=() line
    shift 2
    while IFS= read -r line; do variables+=("--setenv=$line"); done < <("$tools" scripts/check-manifests.py environment "$which")
    inside systemd-run --quiet --unit="$unit" --uid=10001 --gid=10001 --property=ReadOnlyPaths=/ --property=PrivateDevices=yes \
        --property=InaccessiblePaths=/tmp --property=InaccessiblePaths=/var/tmp --property=NoNewPrivileges=yes \
        --property=CapabilityBoundingSet= --property=SystemCallFilter=@system-service --property=LimitFSIZE=0 \
        "${variables[@]}" "$@"
}

try_pods() {
    inside rm -rf /var/lib/loadmaster-try-postgres
    start_postgres
    write_urls /run/secrets/loadmaster /run/secrets/owner
    inside sh -c 'mkdir -p /run/secrets/loadmaster-owner && mv /run/secrets/owner /run/secrets/loadmaster-owner/database-url
        chgrp -R 10001 /run/secrets && chmod -R u=rwX,g=rX,o= /run/secrets && chmod 755 /run/secrets'
    # A cluster needs no such user; systemd does.
    inside groupadd --gid 10001 loadmaster-pod
    inside useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin loadmaster-pod
    start_pod server pod-server /usr/local/bin/loadmaster serve
    verdict "a Pod that waits for the migration is alive" 200 "$(await_status /livez 200)"
    verdict "and not ready" 503 "$(status_of /readyz)"
    verdict "the Job migrates" 0 "$(start_pod migrate pod-migrate --property=Type=oneshot /usr/local/bin/loadmaster migrate >/dev/null 2>&1 && echo 0 || echo $?)"
    verdict "then the Pod is ready" 200 "$(await_status /readyz 200)"
    verdict "doctor finds nothing broken" 0 "$(start_pod server pod-doctor --property=Type=oneshot /usr/local/bin/loadmaster doctor >/dev/null 2>&1 && echo 0 || echo $?)"
    start_prometheus
    verdict "the adapter's query gives 0 for a Pod without bookings" 0 "$(queue)"
    verdict "a shipper books" 201 "$(book)"
    verdict "and the lane's own series is there" yes \
        "$(inside curl --silent http://127.0.0.1:8080/metrics | grep -q '^loadmaster_desk_waiting{' && echo yes || echo no)"
    sleep 3
    verdict "which the query gives then" 0 "$(queue)"
    inside systemctl stop pod-server
    # A unit of systemd-run is forgotten once it has ended well, and kept when it failed.
    verdict "the Pod ends well" not-found "$(value_of pod-server LoadState)"
    start_pod server pod-links --property=Type=oneshot --setenv=LOADMASTER_PORT=tcp://10.0.0.1:80 \
        /usr/local/bin/loadmaster config >/dev/null 2>&1 || true
    verdict "the variables of a Service end the start" "LOADMASTER_PORT names no setting" \
        "$(inside journalctl --no-pager --output=cat --unit=pod-links | grep -o 'LOADMASTER_PORT names no setting' || true)"
}

# The scrape configuration, with a list of Pods instead of a cluster's.
start_prometheus() {
    local dir=$base/layers/root/var/lib/loadmaster-try-prometheus
    mkdir "$dir"
    {
        echo 'global: { scrape_interval: 1s }'
        awk '/kubernetes_sd_configs:/ { print "    file_sd_configs: [{ files: [pods.json] }]"; inside = 1; next }
             inside && /^    [a-z]/ { inside = 0 }
             !inside' deploy/kubernetes/monitoring/scrape-config.yml
    } >"$dir/prometheus.yml"
    cat >"$dir/pods.json" <<'JSON'
[{"targets": ["127.0.0.1:8080"], "labels": {"__meta_kubernetes_pod_label_app_kubernetes_io_component": "server",
  "__meta_kubernetes_pod_container_port_name": "http", "__meta_kubernetes_namespace": "loadmaster",
  "__meta_kubernetes_pod_name": "loadmaster-0"}}]
JSON
    inside systemd-run --quiet --unit=try-prometheus --working-directory=/var/lib/loadmaster-try-prometheus \
        prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address=127.0.0.1:9090
}

# What the adapter would tell the autoscaler about the Pod.
queue() {
    local query answer='' tries=0
    query=$("$tools" scripts/check-manifests.py query)
    until [[ $answer == *'"pod":"loadmaster-0"'* ]] || ((++tries > 100)); do
        answer=$(inside curl --silent --get --data-urlencode "query=$query" http://127.0.0.1:9090/api/v1/query || true)
        sleep 0.2
    done
    sed -E 's/.*\{"metric":\{"pod":"loadmaster-0"\},"value":\[[0-9.]+,"([^"]*)"\].*/\1/' <<<"$answer"
}

book() {
    local json='Content-Type: application/json' api=http://127.0.0.1:8080/api/v1 token day
    day=$(date --utc --date=tomorrow +%F)
    printf '%s\n' flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,positions,cutoff_minutes \
        "AI111,DEL,LHR,${day}T10:00:00Z,${day}T19:00:00Z,,10000,100,,60" >"$base/layers/root/var/lib/flights.csv"
    chmod 644 "$base/layers/root/var/lib/flights.csv"
    start_pod server pod-import --property=Type=oneshot /usr/local/bin/loadmaster flights import /var/lib/flights.csv || true
    token=$(inside curl --silent --header "$json" --data '{"email":"s@example.com","password":"a phrase to try"}' "$api/auth/register" |
        sed 's/.*"access_token":"\([^"]*\)".*/\1/')
    inside curl --silent --output /dev/null --write-out '%{http_code}' --header "$json" --header "Authorization: Bearer $token" \
        --data '{"origin":"DEL","destination":"LHR","pieces":10,"weight_kg":500}' "$api/bookings"
}

boot
start_postgres
start_redis
try_systemd
try_pods
if ((failed)); then inside journalctl --no-pager --quiet --lines=60 --output=cat; fi
echo "$passed passed, $failed failed"
((failed == 0))
