#!/usr/bin/env bash
# Starts and uses the containers of a clean checkout as README.md and docs/containers.md say: build, tour, restarts, faults,
# rolling restart and a killed instance under load, replica, monitoring and TLS. Prints how long each step took.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'USAGE'
Usage: scripts/test-containers.sh [DIRECTORY]

Uses the Docker engine that answers, or one of its own with its data in DIRECTORY (TEST_CONTAINERS_DIRECTORY, else
~/.cache/loadmaster/containers), which saves most of the time when it is used again. Exits 75 if no engine can run here.
Works on what is committed, as a Compose project of its own, and removes all that it made but DIRECTORY. With
TEST_CONTAINERS_IMAGE it uses that image instead of building one.
USAGE
}

case ${1:-} in
    -h | --help) usage && exit 0 ;;
esac
BUILT=${TEST_CONTAINERS_IMAGE:-}
ENGINE=${1:-${TEST_CONTAINERS_DIRECTORY:-${XDG_CACHE_HOME:-$HOME/.cache}/loadmaster/containers}}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/loadmaster-containers.XXXXXX")
REPORT=$WORK/report
CHECKOUT=$WORK/checkout
STARTED_ENGINE=''
STANDS_IN=''

say() { echo "loadmaster: $*" >&2; }
fail() {
    say "FAILED: $*"
    exit 1
}

# Runs a step and notes how long it took.
step() { # text command...
    local text=$1 began
    shift
    say "$text"
    began=$(date +%s%N)
    "$@"
    printf '%8.1f s  %s\n' "$((($(date +%s%N) - began) / 100000000))e-1" "$text" >>"$REPORT"
}

# A failing function ends the script with its own redirections still in place.
exec 9>&2
finish() {
    local status=$?
    trap - EXIT
    set +e
    exec 2>&9
    if ((status != 0)) && [[ -e $CHECKOUT/.env ]]; then
        (cd "$CHECKOUT" && docker compose ps --all && docker compose logs --tail 40) >&2
    fi
    touch "$WORK/stop"
    wait
    if [[ -e $CHECKOUT/.env ]]; then remove_everything >/dev/null 2>&1; fi
    if [[ -n $STARTED_ENGINE ]]; then
        scripts/local-images.sh --stop "$ENGINE"
    elif [[ -n $STANDS_IN ]]; then
        # Nobody shall take them for the real ones later.
        xargs -r docker rmi <"$ENGINE/stand-ins" >/dev/null 2>&1
    fi
    if [[ -s $REPORT ]]; then cat "$REPORT" >&2; fi
    rm -rf "$WORK"
    if ((status == 0)); then say "the containers work, after $((SECONDS / 60)) min $((SECONDS % 60)) s"; fi
    exit "$status"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- what the steps use ----

# Shows what a command printed only if it fails.
quietly() {
    "$@" >"$WORK/said" 2>&1 || fail "\`$*\`: $(tail -n 20 "$WORK/said")"
}

compose() { (cd "$CHECKOUT" && docker compose "$@"); }
loadmaster() { compose run --rm --no-deps -T app "$@"; }
sql() { compose exec -T postgres psql --no-psqlrc --quiet --tuples-only --no-align --username=postgres --dbname=loadmaster --command="$1"; }

remove_everything() {
    compose --profile '*' down --volumes --remove-orphans --timeout 5
    docker image rm --force "$IMAGE"
}

# Waits until a command succeeds.
until_it() { # seconds what command...
    local ends=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < ends)) || fail "after waiting in vain: $what"
        sleep 0.2
    done
}

answers() { # path status
    [[ $(curl -s -o /dev/null -w '%{http_code}' --max-time 5 "$URL$1") == "$2" ]]
}

# The instances and nginx; right after a restart the health is that of the former process no more.
all_are_healthy() { [[ $(compose ps --format '{{ .Health }}' app-1 app-2 nginx | sort -u) == healthy ]]; }

expect() { # what actual pattern
    # shellcheck disable=SC2053  # a pattern
    [[ $2 == $3 ]] || fail "$1: expected $3, got: $2"
}

# The blocks of shell commands in a section of README.md.
blocks() { # section, number or `-` for the rest from the second on
    awk -v section="## $1" -v wanted="$2" '
        /^## / { inside = ($0 == section) }
        inside && /^```/ { if ($0 == "```sh") { count++; open = 1 } else open = 0; next }
        inside && open && (wanted == "-" ? count > 1 : count == wanted)' "$CHECKOUT/README.md"
}

# Runs commands of README.md in the checkout, and prints what they print.
readme() {
    (cd "$CHECKOUT" && bash -euo pipefail -c "$(sed "s,http://127.0.0.1:8080,$URL,")")
}

# ---- load ----

# Each worker books, searches and tracks until it is told to stop, and notes each answer: method, key or path, status.
worker() { # name
    local number=0 key token ref='' status
    token=$(curl -s "$URL/api/v1/auth/register" -H 'Content-Type: application/json' \
        -d '{"email":"'"$1-$RANDOM$RANDOM"'@example.com","password":"a phrase to try"}' |
        sed 's/.*"access_token":"\([^"]*\)".*/\1/')
    echo "$token" >"$WORK/load/$1.token"
    while [[ ! -e $WORK/stop ]]; do
        key=$1-$((++number))
        status=$(book "$token" "$key" "$WORK/load/$1.body") || true
        echo "POST $key $status" >>"$WORK/load/$1.log"
        if [[ $status == 201 ]]; then ref=$(sed 's/.*"ref_id":"\([^"]*\)".*/\1/' "$WORK/load/$1.body"); fi
        for path in "tracking/$ref" "routes?origin=DEL&destination=LHR&departure_date=$TOMORROW&weight_kg=1&limit=1"; do
            status=$(curl -s -o /dev/null -w '%{http_code}' --max-time 30 "$URL/api/v1/$path") || true
            echo "GET $path $status" >>"$WORK/load/$1.log"
        done
    done
}

book() { # token key file
    curl -s -o "$3" -w '%{http_code}' --max-time 30 "$URL/api/v1/bookings" -H "Authorization: Bearer $1" -H "Idempotency-Key: $2" \
        -H 'Content-Type: application/json' -d '{"origin":"DEL","destination":"LHR","pieces":1,"weight_kg":1}'
}

WORKERS=(ada bob cyd dan eve fay)
start_load() { # name of the phase
    local name
    rm -rf "$WORK/load" "$WORK/stop"
    mkdir "$WORK/load"
    for name in "${WORKERS[@]}"; do worker "$1-$name" & done
    sleep 3
}

# Ends the load and sets `failed` to the lines of the requests that failed. Not for a subshell, which cannot wait for them.
stop_load() {
    touch "$WORK/stop"
    wait
    cat "$WORK"/load/*.log >"$WORK/answers"
    printf '            %s requests, %s of them bookings\n' "$(wc -l <"$WORK/answers")" "$(grep -c ^POST "$WORK/answers")" >>"$REPORT"
    (($(wc -l <"$WORK/answers") > 100)) || fail "there was no load: $(wc -l <"$WORK/answers") requests"
    failed=$(grep -v ' 20[01]$' "$WORK/answers" || true)
}

# ---- steps ----

provide_engine() {
    local settings status=0
    mkdir -p "$ENGINE"
    docker info >/dev/null 2>&1 || STARTED_ENGINE=1
    settings=$(scripts/local-images.sh "$ENGINE") || status=$?
    if ((status != 0)); then exit "$status"; fi
    # shellcheck disable=SC2163  # lines of NAME=value
    while read -r line; do [[ $line == *=\'\' ]] || eval "export $line"; done <<<"$settings"
    if [[ -s $ENGINE/stand-ins ]]; then STANDS_IN=1; fi
    if docker image inspect --format '{{ index .Config.Labels "loadmaster.stand-in" }}' postgres:17-alpine nginx:1.28-alpine |
        grep -q true; then
        say "NOTE: some images are stand-ins (scripts/stand-ins/README.md)"
    fi
}

check_out() {
    git clone --quiet . "$CHECKOUT"
    if [[ -n $(git status --porcelain) ]]; then say "NOTE: changes that are not committed are not tested"; fi
}

# README.md's first two commands, then the rest.
bring_up() {
    local commands
    commands=$(blocks 'With Docker Compose' 1 | head -n 2)
    if [[ -n $BUILT ]]; then
        docker tag "$BUILT" "$IMAGE"
        commands=${commands/ --build/}
    fi
    readme <<<"$commands" >"$WORK/up.log" 2>&1 || { tail -n 50 "$WORK/up.log" >&2 && fail 'docker compose up'; }
}

load_flights() {
    local said
    said=$(readme <<<"$(blocks 'With Docker Compose' 1 | tail -n +3)" 2>&1) || fail "README.md's commands: $said"
    expect 'README.md loads flights' "$said" '*created: [1-9][0-9][0-9][0-9]*'
    expect 'README.md creates an administrator' "$said" '*Password (shown only this once): ?*'
    printf '%s\n%s\n' flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,positions,cutoff_minutes \
        "AI9999,DEL,LHR,${TOMORROW}T01:00:00Z,${TOMORROW}T10:30:00Z,77X,,,," >"$CHECKOUT/timetable.csv"
    expect 'README.md imports a CSV' "$(readme <<<"$(blocks 'With Docker Compose' 2)" 2>&1)" '*created: 1, updated: 0, unchanged: 0*'
}

take_the_tour() {
    local said
    said=$(
        readme 2>&1 <<<"$(blocks 'A quick tour' 1)
$(blocks 'With Docker Compose' 3)
$(blocks 'A quick tour' -)"
    ) || fail "README.md's tour: $said"
    expect "README.md's tour finds flights" "$said" '*"flights":*'
    expect "README.md's tour delivers" "$said" '*"status":"DELIVERED"*'
    REF=$(grep -xE '[A-Z0-9]{4,}' <<<"$said" | head -n 1)
    expect "README.md's tour prints a reference" "$REF" '?*'
}

# What docker-compose.yml promises about the containers.
look_at_rights() {
    local name
    if [[ -z $BUILT ]]; then
        expect 'the commit of /info' "$(curl -s "$URL/api/v1/info")" "*\"git_commit\":\"$(git rev-parse HEAD)\"*"
    fi
    for name in $(compose ps --all --quiet); do
        expect "rights of $name" "$(docker inspect --format '{{ .HostConfig.ReadonlyRootfs }} {{ .HostConfig.CapDrop }} {{ .HostConfig.SecurityOpt }} {{ .HostConfig.LogConfig.Config }}' "$name")" \
            'true \[ALL\] \[no-new-privileges:true\] map\[max-file:5 max-size:10m\]'
    done
    expect 'the user of app-1' "$(compose exec -T app-1 id -u)" 10001
    if compose exec -T app-1 sh -c 'echo >/tmp/x' 2>/dev/null; then fail 'app-1 can write a file'; fi
    if compose exec -T app-1 cat /run/secrets/owner_url 2>/dev/null; then fail "app-1 sees the owner's URL"; fi
    expect 'roles that are connected' "$(sql "select distinct usename from pg_stat_activity where datname = 'loadmaster' and pid <> pg_backend_pid()")" loadmaster_app
    expect 'superusers' "$(sql 'select rolname from pg_roles where rolsuper')" postgres
    expect 'published ports' "$(compose ps --format '{{ range .Publishers }}{{ if .PublishedPort }}{{ .URL }}:{{ .TargetPort }} {{ end }}{{ end }}' | xargs)" '127.0.0.1:8080'
    if compose exec -T redis redis-cli ping | grep -q PONG; then fail 'Redis asks for no password'; fi
    loadmaster doctor >"$WORK/doctor" || fail "doctor: $(<"$WORK/doctor")"
}

# What the front does with requests.
look_at_nginx() {
    local head first second
    head=$(curl -s -D - -o /dev/null "$URL/openapi.json" -H 'Accept-Encoding: gzip' -H 'X-Request-Id: of-a-caller')
    for header in 'content-encoding: gzip' 'x-content-type-options: nosniff' 'x-frame-options: DENY' 'referrer-policy: no-referrer' 'x-request-id: of-a-caller'; do
        grep -qix "$header"$'\r' <<<"$head" || fail "no $header in: $head"
    done
    answers /metrics 404 || fail 'nginx shows /metrics'
    answers /%6detrics 404 || fail 'nginx shows /metrics'
    # A caller cannot choose the address by which it is counted.
    first=$(remaining -H 'X-Forwarded-For: 192.0.2.1' "$URL/api/v1/info")
    second=$(remaining -H 'X-Forwarded-For: 192.0.2.2' "$URL/api/v1/info")
    ((second < first)) || fail "a made-up address has a quota of its own: $first, then $second"
    # Another client has.
    first=$(compose exec -T redis bash -c 'exec 3<>/dev/tcp/nginx/8080; printf "GET /api/v1/info HTTP/1.0\r\nHost: here\r\n\r\n" >&3; cat <&3' |
        tr -d '\r' | sed -n 's/^ratelimit-remaining: //pI')
    ((first > second)) || fail "another client has no quota of its own: $first"
    too_many search 10 "$URL/api/v1/routes"
    too_many general 30 "$URL/api/v1/info"
}

remaining() { curl -s -D - -o /dev/null "$@" | tr -d '\r' | sed -n 's/^ratelimit-remaining: //pI'; }

too_many() { # name rate url
    local answer
    rm -f "$WORK"/refusal.*
    # One process, so that it is quick enough on a busy machine.
    curl -s --no-progress-meter --parallel --parallel-max 20 -o "$WORK/refusal.#1" -w '%{content_type} %{url_effective}\n' "$3?[1-300]" >"$WORK/kinds"
    answer=$(grep -l "more than $2 " "$WORK"/refusal.* | head -n 1) || true
    [[ -n $answer ]] || fail "the limit $1 refuses nothing"
    expect "the refusal by the limit $1" "$(<"$answer")" '{"type":"/problems/rate_limited",*"status":429,*"code":"rate_limited","request_id":"?*"}'
    grep -qxF "application/problem+json $3?${answer##*.}" "$WORK/kinds" || fail "the kind of $answer"
    sleep 2
}

# .env reaches the binary, and `doctor` finds an installation as it is.
look_at_settings_and_doctor() {
    echo LOADMASTER_SEARCH__CACHE_TTL_SECONDS=17 >>"$CHECKOUT/.env"
    expect 'a setting in .env' "$(loadmaster config)" '*cache_ttl_seconds = 17*'
    quietly compose stop redis postgres
    if loadmaster doctor >"$WORK/doctor" 2>&1; then fail 'doctor finds nothing wrong without PostgreSQL'; fi
    expect 'doctor without PostgreSQL' "$(<"$WORK/doctor")" '*BROKEN*'
    expect 'services that doctor started' "$(compose ps --services --status running | grep -E 'postgres|redis' || true)" ''
    quietly compose start postgres redis
    until_it 60 'healthy again' all_are_healthy
}

check_tracking() { expect 'tracking' "$(curl -s "$URL/api/v1/tracking/$REF")" '*"status":"DELIVERED"*'; }

restart_all() {
    quietly compose restart
    until_it 60 'healthy after restart' all_are_healthy
    check_tracking
}

down_and_up() {
    quietly compose down
    expect 'containers after down' "$(compose ps --all --quiet)" ''
    quietly compose up --detach --wait
    check_tracking
}

restart_without_database() {
    quietly compose stop postgres
    quietly compose restart app-1 app-2
    until_it 30 'the instances live without PostgreSQL' answers /livez 200
    answers /readyz 503 || fail 'ready without PostgreSQL'
    sleep 5
    expect 'restarts of the instances' "$(compose ps --quiet app-1 app-2 | xargs docker inspect --format '{{ .RestartCount }}' | xargs)" '0 0'
    quietly compose start postgres
    until_it 60 'healthy with PostgreSQL again' all_are_healthy
    check_tracking
}

prepare_load() {
    printf '%s\n' LOADMASTER_RATE_LIMIT__ENABLED=false GENERAL_RATE=5000 SEARCH_RATE=5000 >>"$CHECKOUT/.env"
    quietly compose up --detach --wait
}

rolling_restart() {
    local before after failed
    before=$(compose ps --quiet app-1 app-2)
    start_load roll
    quietly env --chdir="$CHECKOUT" deploy/rolling-restart.sh
    sleep 2
    stop_load
    after=$(compose ps --quiet app-1 app-2)
    [[ $before != "$after" ]] || fail 'no instance was replaced'
    [[ -z $failed ]] || fail "requests failed during the rolling restart: $failed"
}

kill_an_instance() {
    local failed before key token status first second count
    before=$(sql 'select count(*) from bookings')
    start_load kill
    # Bookings stop at the table, so that some are in flight at either instance.
    sql 'begin; lock table bookings in share mode; select pg_sleep(2); commit' >/dev/null &
    sleep 1
    docker kill "$(compose ps --quiet app-1)" >/dev/null
    sleep 5
    quietly compose up --detach --wait app-1
    sleep 2
    stop_load
    printf '            %s bookings failed when an instance was killed, and were repeated\n' "$(grep -c . <<<"$failed")" >>"$REPORT"
    # A worker has one request in flight. nginx repeats what may be repeated.
    if grep ^GET <<<"$failed"; then fail 'searches or trackings failed when an instance was killed'; fi
    [[ -n $failed ]] || fail 'no booking was in flight'
    (($(wc -l <<<"$failed") <= ${#WORKERS[@]})) || fail "more requests failed than were in flight: $failed"
    while read -r _ key _; do
        token=$(<"$WORK/load/${key%-*}.token")
        until_it 30 "the booking $key can be repeated" bash -c "[[ \$($(declare -f book); URL=$URL book $token $key $WORK/first) == 201 ]]"
        status=$(book "$token" "$key" "$WORK/second")
        expect "the booking $key once more" "$status" 201
        cmp -s "$WORK/first" "$WORK/second" || fail "the booking $key was made twice"
    done <<<"$failed"
    count=$(sql 'select count(*) from bookings')
    expect 'bookings, one for each key' "$((count - before))" "$(grep -c ^POST "$WORK/answers")"
}

audit() { loadmaster audit >"$WORK/audit" 2>&1 || fail "the audit: $(<"$WORK/audit")"; }

# A server that keeps a stream open, and one that speaks after an upgrade. Loadmaster has neither yet.
# shellcheck disable=SC2016  # Perl's variables
STREAMS='
use IO::Socket::INET; $| = 1; $SIG{CHLD} = "IGNORE";
my $listener = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1) or die;
while (my $client = $listener->accept) {
    next if fork; $client->autoflush(1);
    my $head = ""; while (my $line = <$client>) { $head .= $line; last if $line eq "\r\n" }
    if ($head =~ /^Upgrade: websocket/mi && $head =~ /^Connection: upgrade/mi) {
        print $client "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        while (my $line = <$client>) { print $client "echo $line" }
    } else {
        print $client "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: one\n\n"; sleep 60;
    }
    exit;
}'

pass_streams() {
    local server address said
    server=$(docker run --detach --rm --network "${COMPOSE_PROJECT_NAME}_default" debian:bookworm-slim perl -e "$STREAMS")
    address=$(docker inspect --format '{{ range .NetworkSettings.Networks }}{{ .IPAddress }}{{ end }}' "$server")
    quietly compose exec -T nginx sh -c "sed -i 's/app-[12]:8080/$address:8080/' /etc/nginx/conf.d/instances.conf && nginx -q -s reload"
    sleep 1
    said=$(curl -sN --max-time 3 -H 'Accept: text/event-stream' "$URL/events" || true)
    expect 'a server-sent event while the stream is open' "$said" 'data: one*'
    exec 5<>"/dev/tcp/127.0.0.1/${URL##*:}"
    printf 'GET /socket HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nping\n' >&5
    said=$(timeout 3 cat <&5 || true)
    exec 5>&-
    docker kill "$server" >/dev/null
    expect 'a WebSocket' "$said" '*101 Switching Protocols*echo ping*'
    quietly compose up --detach --wait --force-recreate --no-deps nginx
}

is_streaming() { [[ $(sql "select state from pg_stat_replication where application_name = 'postgres-replica'") == streaming ]]; }

use_profiles() {
    local query='http://prometheus:9090/api/v1/query?query=sum(up%7Bjob%3D%22loadmaster%22%7D)'
    echo 'COMPOSE_PROFILES=observability,replica' >>"$CHECKOUT/.env"
    echo 'DATABASE_READ_URL_FILE=/run/secrets/read_url' >>"$CHECKOUT/.env"
    quietly compose up --detach --wait
    is_streaming || fail 'the replica does not stream'
    expect 'bookings on the replica' "$(compose exec -T postgres-replica psql -XAtq -U postgres -d loadmaster -c 'select count(*) > 0, pg_is_in_recovery() from bookings')" 't|t'
    until_it 60 'Prometheus scrapes both instances' compose exec -T nginx sh -c "wget -q -O - '$query' | grep -q '\"2\"'"
    quietly compose restart postgres-replica
    until_it 60 'the replica streams again' is_streaming
    check_tracking
}

serve_tls() {
    quietly compose --profile '*' down --volumes
    (
        cd "$CHECKOUT"
        deploy/make-secrets.sh secrets >/dev/null 2>&1
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
            -addext subjectAltName=DNS:localhost -keyout secrets/tls_key -out secrets/tls_certificate 2>/dev/null
        chmod 644 secrets/tls_key
        cp .env.example .env
        printf '%s\n' COMPOSE_FILE=docker-compose.yml:docker-compose.production.yml SECRETS_DIR=./secrets PUBLISHED_ADDRESS=127.0.0.1 \
            "PUBLISHED_TLS_PORT=$TLS_PORT" POSTGRES_MEMORY=1g >>.env
    )
    quietly compose up --detach --wait
    head=$(curl -s -D - -o /dev/null --cacert "$CHECKOUT/secrets/tls_certificate" "https://localhost:$TLS_PORT/readyz")
    expect 'HTTPS' "$head" '*200*'
    expect 'HTTPS' "${head,,}" '*strict-transport-security: max-age=31536000*'
    expect 'HTTP' "$(curl -s -o /dev/null -w '%{http_code} %{redirect_url}' "$URL/readyz")" '308 https://*/readyz'
    (cd "$CHECKOUT" && mkdir -p deploy/nginx/acme/.well-known/acme-challenge && echo proof >deploy/nginx/acme/.well-known/acme-challenge/a-Token_1)
    expect 'the proof for an authority' "$(curl -s "$URL/.well-known/acme-challenge/a-Token_1")" proof
    expect 'no other file' "$(curl -s -o /dev/null -w '%{http_code}' --path-as-is "$URL/.well-known/acme-challenge/../../.gitignore")" 308
    expect 'no other proof' "$(curl -s -o /dev/null -w '%{http_code}' "$URL/.well-known/acme-challenge/another")" 404
    if grep -q trial <(compose exec -T app-1 cat /run/secrets/app_url); then fail 'a password of the trial is in use'; fi
    if (cd "$CHECKOUT" && SECRETS_DIR='' docker compose config --quiet) 2>/dev/null; then fail 'production has default passwords'; fi
    loadmaster doctor >"$WORK/doctor" || fail "doctor: $(<"$WORK/doctor")"
}

# As docs/containers.md says: the file is written in place, PostgreSQL learns it, the instances follow.
change_passwords() {
    local file=$CHECKOUT/secrets/app_url changed
    changed=$(sed 's|:[^:@]*@|:another-password@|' "$file")
    echo "$changed" >"$file"
    quietly compose exec -T postgres sh /docker-entrypoint-initdb.d/roles.sh
    sql "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'loadmaster_app'" >/dev/null
    until_it 90 'new connections with the new password' logs_in
}

logs_in() {
    [[ $(curl -s --cacert "$CHECKOUT/secrets/tls_certificate" "https://localhost:$TLS_PORT/api/v1/health") == '{"status":"healthy"}' ]] &&
        all_are_healthy && loadmaster doctor
}

leave_nothing() {
    quietly compose --profile '*' down --volumes --timeout 5
    expect 'containers left' "$(docker ps --all --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME")" ''
    expect 'volumes left' "$(docker volume ls --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME")" ''
    expect 'networks left' "$(docker network ls --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME")" ''
    expect 'files made in the checkout' "$(git -C "$CHECKOUT" status --porcelain)" '?? timetable.csv'
}

# ---- in turn ----

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
first_free() { for port in "$@"; do if port_is_free "$port"; then echo "$port" && return; fi; done; fail "no port of $* is free"; }

for name in "${!LOADMASTER_@}" "${!COMPOSE_@}"; do unset "$name"; done
unset DATABASE_URL DATABASE_READ_URL REDIS_URL PORT RUST_LOG SECRETS_DIR
PUBLISHED_PORT=$(first_free 8080 18083 18085)
TLS_PORT=$(first_free 18443 28443)
URL=http://127.0.0.1:$PUBLISHED_PORT
TOMORROW=$(date -u -d tomorrow +%F)
# A project, an image and a network of its own: an installation on this machine is left alone.
export COMPOSE_PROJECT_NAME=loadmaster-test IMAGE=loadmaster-test NETWORK_PREFIX=10.87.84 PUBLISHED_PORT
# Any free ports: nobody looks at them from here.
export PROMETHEUS_PORT=0 ALERTMANAGER_PORT=0 GRAFANA_PORT=0 LOKI_PORT=0 ALLOY_PORT=0 TEMPO_PORT=0 OTLP_GRPC_PORT=0 OTLP_HTTP_PORT=0
REF=''

# In one piece, so that an editor that saves this file does not change a run.
main() {
    step 'engine and images' provide_engine
    step 'clean checkout' check_out
    step 'docker compose up --build --detach --wait' bring_up
    step 'flights and an administrator by command, a CSV' load_flights
    step "README's tour through nginx" take_the_tour
    step 'rights, roles, ports, commit, doctor' look_at_rights
    step 'headers, addresses and limits of nginx' look_at_nginx
    step '.env reaches the settings; doctor starts nothing' look_at_settings_and_doctor
    step 'docker compose restart' restart_all
    step 'docker compose down, then up: the data are there' down_and_up
    step 'instances restarted while PostgreSQL is stopped' restart_without_database
    step 'the same without quotas, for the load' prepare_load
    step 'rolling restart of both instances under load' rolling_restart
    step 'an instance killed under load' kill_an_instance
    step 'audit' audit
    step 'server-sent events and WebSockets' pass_streams
    step 'replica and monitoring' use_profiles
    step 'audit' audit
    step 'production: own secrets, TLS' serve_tls
    step 'a changed password, followed without a restart' change_passwords
    step 'docker compose down --volumes leaves nothing' leave_nothing
}
main
