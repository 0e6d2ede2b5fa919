#!/usr/bin/env bash
# Provides a private PostgreSQL and a private Redis for tests and for `scripts/prepare.sh`. Source it after
# `scripts/setup.sh`; the caller sets a trap that calls `servers_stop` on every exit.
#
#   servers_start   starts both and sets TEST_OWNER_URL, TEST_REDIS_URL, TEST_POSTGRES_BIN
#   pooler_start    starts PgBouncer in transaction mode in front of that PostgreSQL and sets TEST_POOLER
#   servers_stop    stops them all and deletes their directory; may be called at any time and repeatedly
#   group_run       runs a command so that a signal to the script ends it at once
#   group_stop      ends the command that group_run is running, if any
#
# UNIX sockets only: no port is needed, and no other user of the machine has access. The pooler listens on a loopback
# address of its own; it lets in the roles of the tests, to databases that are deleted afterwards.

SERVERS_DIR=''
SERVERS_POSTGRES_PID=''
SERVERS_REDIS_PID=''
SERVERS_POOLER_PID=''
GROUP_PID=''

# Runs the command in its own process group and waits for it: bash runs a trap only after a foreground command has
# ended, which for a test run takes minutes, and the terminal's Ctrl-C must not end the servers before the tests.
group_run() {
    local status=0
    set -m
    "$@" </dev/null &
    GROUP_PID=$!
    set +m
    wait "$GROUP_PID" || status=$?
    GROUP_PID=''
    return "$status"
}

group_stop() {
    local pid=$GROUP_PID tries=0
    GROUP_PID=''
    [[ -n $pid ]] || return 0
    kill -TERM -- "-$pid" 2>/dev/null || true
    while kill -0 -- "-$pid" 2>/dev/null && ((++tries < 300)); do sleep 0.1; done
    kill -KILL -- "-$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
}

# Removes the settings of a developer's own servers and instances from the environment: tests must neither
# reach them nor behave differently because of them. This includes libpq's variables, which sqlx reads as defaults.
servers_clean_environment() {
    unset DATABASE_URL DATABASE_URL_FILE DATABASE_READ_URL DATABASE_READ_URL_FILE REDIS_URL REDIS_URL_FILE PORT
    local name
    for name in "${!LOADMASTER_@}"; do unset "$name"; done
    for name in "${!PG@}"; do
        if [[ $name =~ ^PG[A-Z]+$ ]]; then unset "$name"; fi
    done
}

# Starts a program in the background in a process group of its own, so that Ctrl-C reaches the tests first and
# the servers only through `servers_stop`. Where setpriv exists (Linux), the kernel stops the program even if
# this shell is killed with SIGKILL. $! is then the program's process id.
servers_spawn() { # user ('' = stay) signal-at-death command...
    local user=$1 signal=$2
    shift 2
    local prefix=()
    if command -v setpriv >/dev/null && setpriv --pdeathsig "$signal" true 2>/dev/null; then
        prefix=(setpriv --pdeathsig "$signal")
        if [[ -n $user ]]; then prefix+=(--reuid "$user" --regid "$(id -g "$user")" --init-groups); fi
    elif [[ -n $user ]]; then
        # shellcheck disable=SC2016  # expanded by the inner shell
        prefix=(su -s /bin/sh "$user" -c 'exec "$0" "$@"' --)
    fi
    set -m
    ${prefix[@]+"${prefix[@]}"} "$@" </dev/null &
    set +m
}

servers_fail() { # message log
    echo "loadmaster: $1" >&2
    if [[ -s ${2:-} ]]; then tail -n 20 "$2" >&2; fi
    return 1
}

# Deletes the remains of runs that were killed with SIGKILL; thousands of small databases add up.
servers_sweep() {
    local dir owner
    for dir in {/tmp,/dev/shm}/loadmaster-test.*; do
        [[ -O $dir && -s $dir/owner ]] || continue
        owner=$(<"$dir/owner")
        if kill -0 "$owner" 2>/dev/null; then continue; fi
        if [[ -e $dir/pg/data/postmaster.pid ]] && kill -0 "$(head -n 1 "$dir/pg/data/postmaster.pid")" 2>/dev/null; then
            continue
        fi
        rm -rf "$dir"
    done
}

# Prints where the servers keep their data: not in TMPDIR, because a socket's path has at most 107 bytes, and TMPDIR is long
# on macOS. In memory, where there is plenty, the files of hundreds of databases are made and deleted in a third of the time;
# the databases of the long tests may be larger than that.
servers_root() {
    local free
    free=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $1 == "tmpfs" { print $4 }') || true
    if [[ -z ${LOADMASTER_TEST_LONG:-} && -w /dev/shm ]] && ((${free:-0} > 4 << 20)); then
        echo /dev/shm
    else
        echo /tmp
    fi
}

servers_start() {
    local bin user='' sockets data log tries autovacuum=off preload='' programs library
    if [[ -n ${LOADMASTER_TEST_LONG:-} ]]; then autovacuum=on; fi
    bin=$(postgres_bin_dir)
    # Counts for the tests that ask for it, and for no other.
    programs=$(dirname "$(readlink -f "$bin/postgres")")
    for library in "$programs/../lib" "$programs/../lib/postgresql" /usr/lib/postgresql17 /usr/lib64/pgsql; do
        if compgen -G "$library/pg_stat_statements.*" >/dev/null; then preload=pg_stat_statements; fi
    done
    servers_sweep

    SERVERS_DIR=$(mktemp -d "$(servers_root)/loadmaster-test.XXXXXX")
    echo $$ >"$SERVERS_DIR/owner"
    # PostgreSQL refuses to run as root; its user must be able to pass through the parent.
    chmod 711 "$SERVERS_DIR"
    mkdir -m 700 "$SERVERS_DIR/pg" "$SERVERS_DIR/redis"
    sockets=$SERVERS_DIR/pg data=$SERVERS_DIR/pg/data log=$SERVERS_DIR/postgres.log
    : >"$log"
    if ((EUID == 0)); then
        user=postgres
        id "$user" >/dev/null 2>&1 ||
            servers_fail "PostgreSQL does not run as root and there is no user '$user' to drop to; create it or start as another user." ||
            return 1
        chown "$user" "$SERVERS_DIR/pg" "$log"
    fi

    # That user may have no access to the caller's working directory.
    cd "$SERVERS_DIR" || return 1
    servers_spawn "$user" KILL \
        env LC_ALL=C "$bin/initdb" --pgdata="$data" --username=loadmaster --auth=trust --encoding=UTF8 --locale=C \
        --no-sync >"$SERVERS_DIR/initdb.log" 2>&1
    SERVERS_POSTGRES_PID=$!
    if ! wait "$SERVERS_POSTGRES_PID"; then
        SERVERS_POSTGRES_PID=''
        cd "$OLDPWD" || true
        servers_fail "initdb failed." "$SERVERS_DIR/initdb.log"
        return 1
    fi
    # The data need not survive a crash of the machine; synchronous_commit stays on because the tests depend on
    # what a commit waits for. Hundreds of databases that live for seconds need no autovacuum, which took half of
    # PostgreSQL's processor time; the large ones of the long tests do.
    servers_spawn "$user" QUIT \
        env LC_ALL=C "$bin/postgres" -D "$data" \
        -c listen_addresses='' -c unix_socket_directories="$sockets" -c port=5432 \
        -c fsync=off -c full_page_writes=off -c jit=off -c autovacuum="$autovacuum" -c max_connections=500 -c shared_buffers=256MB \
        -c shared_preload_libraries="$preload" -c pg_stat_statements.track=none \
        >>"$log" 2>&1
    SERVERS_POSTGRES_PID=$!
    servers_spawn '' KILL \
        redis-server --port 0 --unixsocket "$SERVERS_DIR/redis/redis.sock" --unixsocketperm 700 \
        --save '' --appendonly no --daemonize no --dir "$SERVERS_DIR/redis" \
        >"$SERVERS_DIR/redis.log" 2>&1
    SERVERS_REDIS_PID=$!
    cd "$OLDPWD" || return 1

    tries=0
    until LC_ALL=C "$(postgres_client pg_isready "$bin")" -q -h "$sockets" -p 5432; do
        kill -0 "$SERVERS_POSTGRES_PID" 2>/dev/null && ((++tries < 300)) ||
            servers_fail "the private PostgreSQL did not start." "$log" || return 1
        sleep 0.1
    done
    tries=0
    until [[ -S $SERVERS_DIR/redis/redis.sock ]]; do
        kill -0 "$SERVERS_REDIS_PID" 2>/dev/null && ((++tries < 300)) ||
            servers_fail "the private Redis did not start." "$SERVERS_DIR/redis.log" || return 1
        sleep 0.1
    done

    # For the scripts that source this file.
    # shellcheck disable=SC2034
    TEST_POSTGRES_BIN=$bin
    # shellcheck disable=SC2034
    TEST_OWNER_URL="postgres://loadmaster@localhost/postgres?host=${sockets//\//%2F}"
    # shellcheck disable=SC2034
    TEST_REDIS_URL="redis+unix://$SERVERS_DIR/redis/redis.sock"
}

# The product must get along with few connections, but tests hold many transactions open at once on purpose. Connections
# that rest are closed soon: a database in use cannot be copied.
pooler_start() {
    local user='' host tries=0 file=$SERVERS_DIR/pgbouncer.ini log=$SERVERS_DIR/pgbouncer.log
    if ((EUID == 0)); then user=postgres; fi
    host=127.$((1 + ($$ >> 8) % 254)).$(($$ % 256)).250
    printf '"loadmaster_app" ""\n' >"$SERVERS_DIR/pgbouncer.users"
    cat >"$file" <<SETTINGS
[databases]
* = host=$SERVERS_DIR/pg port=5432
[pgbouncer]
listen_addr = $host
listen_port = 6432
unix_socket_dir =
auth_type = trust
auth_file = $SERVERS_DIR/pgbouncer.users
pool_mode = transaction
default_pool_size = 20
max_client_conn = 2000
server_idle_timeout = 1
server_login_retry = 0.01
SETTINGS
    chmod 644 "$file" "$SERVERS_DIR/pgbouncer.users"
    PATH="$PATH:/usr/sbin" servers_spawn "$user" KILL pgbouncer "$file" >"$log" 2>&1
    SERVERS_POOLER_PID=$!
    until LC_ALL=C "$(postgres_client pg_isready "$TEST_POSTGRES_BIN")" -q -h "$host" -p 6432; do
        kill -0 "$SERVERS_POOLER_PID" 2>/dev/null && ((++tries < 300)) ||
            servers_fail "PgBouncer did not start." "$log" || return 1
        sleep 0.1
    done
    # For the scripts that source this file.
    # shellcheck disable=SC2034
    TEST_POOLER=$host:6432
}

servers_children() {
    if command -v pgrep >/dev/null; then
        pgrep -P "$1" || true
        return 0 # explicit: in a trap, a bare `return` returns the status from before the trap
    fi
    local status # minimal images come without pgrep, but have /proc
    for status in /proc/[0-9]*/status; do
        if grep -q "^PPid:[[:space:]]*$1\$" "$status" 2>/dev/null; then basename "$(dirname "$status")"; fi
    done
}

# Sends the signal first and SIGKILL later. A fault test that died may have left server processes stopped, and a
# stopped process reacts only to SIGCONT and SIGKILL.
servers_end() { # pid signal
    local pid=$1 signal=$2 tries=0 children=()
    kill -0 "$pid" 2>/dev/null || return 0
    # shellcheck disable=SC2207  # process ids contain no blanks
    children=($(servers_children "$pid"))
    kill -"$signal" "$pid" 2>/dev/null || true
    kill -CONT "$pid" ${children[@]+"${children[@]}"} 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null && ((++tries < 100)); do sleep 0.05; done
    if kill -0 "$pid" 2>/dev/null; then
        # shellcheck disable=SC2207
        children=($(servers_children "$pid"))
        kill -KILL "$pid" ${children[@]+"${children[@]}"} 2>/dev/null || true
    fi
    wait "$pid" 2>/dev/null || true
}

servers_stop() {
    if [[ -n $SERVERS_POOLER_PID ]]; then servers_end "$SERVERS_POOLER_PID" TERM; fi
    # Immediate shutdown: the data is about to be deleted.
    if [[ -n $SERVERS_POSTGRES_PID ]]; then servers_end "$SERVERS_POSTGRES_PID" QUIT; fi
    if [[ -n $SERVERS_REDIS_PID ]]; then servers_end "$SERVERS_REDIS_PID" TERM; fi
    SERVERS_POSTGRES_PID='' SERVERS_REDIS_PID='' SERVERS_POOLER_PID=''
    if [[ -n $SERVERS_DIR ]]; then rm -rf "$SERVERS_DIR"; fi
    SERVERS_DIR=''
}
