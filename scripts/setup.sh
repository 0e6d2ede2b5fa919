#!/usr/bin/env bash
# Prepares this machine for building and running Loadmaster: Rust (required, never installed here), a C compiler,
# the PostgreSQL server programs and redis-server. Sourced by `run`, `test`, `.ci/run` and `scripts/prepare.sh`,
# or called on its own. Silent, and done in milliseconds, if nothing is missing.
#
# With SETUP_FOR_TESTS set it also provides the programs of the tests: Prometheus with promtool, and Alertmanager
# with amtool. With SETUP_FOR_LONG_TESTS set it also provides those of the long tests: a pooler, proxies, the programs of
# an automatic failover, a browser, and Python and Node.js with libraries.
#
# aws-lc-sys and zstd-sys need a C compiler, but neither cmake nor nasm nor make.
# The script also runs in bash 3.2, the version of macOS.
#
# With SETUP_FOR_KAFKA set it also provides what compiles librdkafka, and BUILD turns on the Cargo feature `kafka`.
#
# With SETUP_FOR_DEPLOY set, on Debian, it also provides the programs of `scripts/check-deploy.sh`: Python with venv, kubectl
# and systemd-analyze; if it is `nspawn`, also what `scripts/try-deploy.sh` needs to start systemd in a container.
set -euo pipefail

# The calling shell may not have read the profile that rustup wrote.
export PATH="$PATH:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin"

# How every script builds: compilations are shared only under equal features.
BUILD=(--locked)
# All crates, but without that feature not the one that compiles librdkafka.
CRATES=(--workspace)
# Cargo writes where the time of each build goes.
if [[ -n ${SETUP_TIMINGS:-} ]]; then BUILD+=(--timings); fi
if [[ -n ${SETUP_FOR_KAFKA:-} ]]; then BUILD+=(--features loadmaster/kafka); else CRATES+=(--exclude loadmaster-kafka); fi

POSTGRES_OLDEST=14
SETUP_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

setup_fail() {
    echo "loadmaster: $*" >&2
    exit 1
}

# Prints the directory of the newest PostgreSQL server programs; Debian, Alpine and Homebrew keep them off PATH.
postgres_bin_dir() {
    local dir version best='' best_version=0 on_path
    on_path=$(command -v postgres || true)
    for dir in \
        "${LOADMASTER_EMBEDDED__POSTGRES_BIN:-}" \
        ${on_path:+"$(dirname "$on_path")"} \
        /usr/lib/postgresql/*/bin \
        /usr/libexec/postgresql*[0-9] \
        /usr/pgsql-*/bin \
        /usr/local/pgsql/bin \
        /opt/homebrew/opt/postgresql*/bin \
        /usr/local/opt/postgresql*/bin \
        /Applications/Postgres.app/Contents/Versions/*/bin; do
        [[ -x $dir/postgres && -x $dir/initdb ]] || continue
        version=$("$dir/postgres" --version 2>/dev/null) || continue
        version=${version##*PostgreSQL) }
        version=${version%%[!0-9]*}
        if [[ -n $version ]] && ((version > best_version)); then
            best=$dir best_version=$version
        fi
    done
    ((best_version >= POSTGRES_OLDEST)) && echo "$best"
}

# Prints the path of a PostgreSQL client program: beside the server's where possible, else on PATH.
postgres_client() {
    if [[ -x ${2:-}/$1 ]]; then echo "$2/$1"; else command -v "$1"; fi
}

has_compiler() {
    # A compiler without the C library's headers (gcc with --no-install-recommends) compiles nothing.
    command -v cc >/dev/null && { [[ ! -e /etc/debian_version ]] || [[ -e /usr/include/stdio.h ]]; }
}

has_postgres() { postgres_bin_dir >/dev/null; }

has_redis() { command -v redis-server >/dev/null; }

# Debian's Python can lack the module that `python3 -m venv` needs.
has_python() { command -v python3 >/dev/null && python3 -c 'import ensurepip, venv' 2>/dev/null; }

has_prometheus() { command -v prometheus >/dev/null && command -v promtool >/dev/null; }

# Debian's package gives the server a name of its own.
has_alertmanager() {
    { command -v prometheus-alertmanager || command -v alertmanager; } >/dev/null && command -v amtool >/dev/null
}

# The programs of the long tests, each with its packages in Debian. They talk to Debian's versions only.
LONG_TEST_PROGRAMS='pgbouncer:pgbouncer nginx:nginx-light haproxy:haproxy patroni:patroni,python3-etcd etcd:etcd-server etcdctl:etcd-client node:nodejs npm:npm aiosmtpd:python3-aiosmtpd chromium:chromium curl:curl jq:jq openssl:openssl socat:socat'
# The packages of the long tests from PyPI and npm, installed below target/long-tests.
LONG_TEST_PYTHON='standardwebhooks==1.1.0 httpx==0.28.1 httpx-sse==0.4.3'
# The newest release of the time zones, whatever it is: also what is compiled in must be that of today.
LONG_TEST_NODE='standardwebhooks@1.1.1 typescript@5.9.3 @types/node@18.19.130 playwright-core@1.65.1'

# Servers are in /usr/sbin, which is not on every user's PATH.
has_long_test_program() { command -v "$1" >/dev/null || [[ -x /usr/sbin/$1 ]]; }

# Installs packages without letting the distribution start servers of its own on the usual ports.
# Runs as root, in its own process, so that its trap cannot be confused with the caller's.
# shellcheck disable=SC2016  # expanded by the inner shell
APT_INSTALL='
    set -eu
    policy=/usr/sbin/policy-rc.d
    no_cluster=/etc/postgresql-common/createcluster.d/loadmaster-setup.conf
    restore() {
        rm -f "$policy" "$no_cluster"
        rmdir /etc/postgresql-common/createcluster.d /etc/postgresql-common 2>/dev/null || true
        if [ -e "$policy.loadmaster-saved" ]; then mv "$policy.loadmaster-saved" "$policy"; fi
    }
    trap restore EXIT
    trap "exit 130" INT
    trap "exit 143" TERM HUP
    # An interrupted earlier run may have left the original policy behind as the saved one.
    if [ -e "$policy" ] && [ ! -e "$policy.loadmaster-saved" ]; then mv "$policy" "$policy.loadmaster-saved"; fi
    printf "#!/bin/sh\nexit 101\n" >"$policy"
    chmod 755 "$policy"
    mkdir -p "${no_cluster%/*}"
    echo "create_main_cluster = false" >"$no_cluster"

    export DEBIAN_FRONTEND=noninteractive
    install() { apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" </dev/null; }
    # Refreshing the package lists is slow and seldom needed: try without it first.
    if ! install "$@"; then
        # The lock on the lists has no timeout.
        for _ in 1 2 3 4 5 6; do
            apt-get update -qq </dev/null && break
            sleep 5
        done
        install "$@"
    fi
    # An installed server must not start at the next boot.
    for package; do
        case $package in
            redis-server | prometheus | prometheus-alertmanager | pgbouncer | haproxy | patroni) services=$package ;;
            nginx-light) services=nginx ;;
            etcd-server) services=etcd ;;
            docker.io) services="docker docker.socket containerd" ;;
            *) continue ;;
        esac
        if command -v systemctl >/dev/null; then systemctl --quiet disable $services || true; fi
    done
'

setup_with_apt() {
    local as_root=() log
    if ((EUID != 0)); then
        command -v sudo >/dev/null ||
            setup_fail "$* missing and neither root nor sudo available: run \`apt-get install --no-install-recommends $*\` as root."
        # Without a terminal nobody can type a password.
        if [[ -t 0 ]]; then as_root=(sudo); else as_root=(sudo -n); fi
    fi
    echo "loadmaster: installing $* (once; this may take a minute)" >&2
    log=$(mktemp)
    if ! ${as_root[@]+"${as_root[@]}"} sh -c "$APT_INSTALL" sh "$@" >"$log" 2>&1; then
        local reason
        reason=$(grep -m1 -E '^(E|Err|sudo):' "$log" || tail -n 1 "$log")
        rm -f "$log"
        setup_fail "apt-get could not install $* (${reason:-no reason given}); install them by hand and start again."
    fi
    rm -f "$log"
}

# The feature `kafka` compiles librdkafka against OpenSSL.
has_librdkafka_tools() {
    command -v make >/dev/null && command -v c++ >/dev/null && command -v pkg-config >/dev/null && pkg-config --exists openssl
}

setup_kafka() {
    if has_librdkafka_tools; then return 0; fi
    command -v apt-get >/dev/null ||
        setup_fail "the feature kafka needs make, a C++ compiler, pkg-config and OpenSSL's headers: install them and start again."
    setup_with_apt make g++ pkg-config libssl-dev
    hash -r
    has_librdkafka_tools || setup_fail "apt-get installed what compiles librdkafka, but some of it is still missing."
}

# Prints the names of the packages that the long tests need and this machine lacks.
long_test_packages() {
    local entry packages
    for entry in $LONG_TEST_PROGRAMS; do
        if has_long_test_program "${entry%%:*}"; then continue; fi
        packages=${entry#*:}
        echo "${packages//,/ }"
    done
}

setup_long_tests() {
    local packages=() name
    for name in $(long_test_packages); do packages+=("$name"); done
    has_python || packages+=(python3 python3-venv)
    if ((${#packages[@]} > 0)); then
        command -v apt-get >/dev/null ||
            setup_fail "the long tests need these Debian packages or their like, and apt-get is not here: ${packages[*]}"
        setup_with_apt "${packages[@]}"
        hash -r
        { [[ -z $(long_test_packages) ]] && has_python; } ||
            setup_fail "apt-get installed ${packages[*]}, but some of their programs are still missing."
    fi
    setup_library python "$LONG_TEST_PYTHON"
    setup_library node "$LONG_TEST_NODE"
    setup_zones
}

# Installs the newest release of the time zones, whatever it is: what is compiled in is compared with it.
setup_zones() {
    local root=${CARGO_TARGET_DIR:-$SETUP_ROOT/target}/long-tests
    "$root/python/bin/pip" --quiet --disable-pip-version-check install --upgrade --target "$root/zones" tzdata >&2 ||
        setup_fail "pip could not install tzdata"
}

# Installs packages of PyPI (`python`) or npm (`node`) into a directory of their own, unless exactly these are there.
setup_library() { # python|node packages
    local root=${CARGO_TARGET_DIR:-$SETUP_ROOT/target}/long-tests home
    home=$root/$1
    if [[ -e $home/packages ]] && [[ $(<"$home/packages") == "$2" ]]; then return 0; fi
    echo "loadmaster: installing $2 (once)" >&2
    rm -rf "$home"
    mkdir -p "$root"
    # shellcheck disable=SC2086  # several packages
    case $1 in
        python)
            { python3 -m venv "$home" && "$home/bin/pip" --quiet --disable-pip-version-check install $2; } >&2 ||
                setup_fail "pip could not install $2"
            ;;
        node)
            npm install --silent --no-audit --no-fund --prefix "$home" $2 >&2 || setup_fail "npm could not install $2"
            ;;
    esac
    echo "$2" >"$home/packages"
}

# Node.js builds and tests the console; building Loadmaster itself needs none.
has_node() {
    command -v npm >/dev/null && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}

setup_node() {
    if has_node; then return 0; fi
    if command -v apt-get >/dev/null && ! command -v node >/dev/null; then
        setup_with_apt nodejs npm
        hash -r
    fi
    has_node || setup_fail "Node.js 20.19 or later with npm is missing: the console is built and tested with it."
}

# The programs of the console's tests: the browser, if possible that without windows, and a reader of bar codes.
setup_browser() {
    if [[ -z ${CHROMIUM:-} ]] && ! has_browser && command -v apt-get >/dev/null; then
        (setup_with_apt chromium-headless-shell) || setup_with_apt chromium
        hash -r
    fi
    [[ -n ${CHROMIUM:-} ]] || has_browser ||
        setup_fail "Chromium is missing: install it, and name its program in CHROMIUM if that is not /usr/bin/chromium."
    if command -v zbarimg >/dev/null; then return 0; fi
    command -v apt-get >/dev/null || setup_fail "zbar-tools missing: install it and start again."
    setup_with_apt zbar-tools
    hash -r
}

has_browser() { command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null; }

# The tools of the contract's tests are installed by tests/contract/run.py; they need Python 3.11, Node.js and Java.
has_contract_python() { has_python && python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; }

has_java() { command -v java >/dev/null && java -version >/dev/null 2>&1; }

setup_contract() {
    setup_node
    local packages=()
    has_python || packages+=(python3 python3-venv)
    has_java || packages+=(default-jre-headless)
    if ((${#packages[@]} > 0)); then
        command -v apt-get >/dev/null ||
            setup_fail "the tests of the contract need Python 3.11 with venv, and a Java runtime (${packages[*]}): install them and start again."
        setup_with_apt "${packages[@]}"
        hash -r
    fi
    has_contract_python || setup_fail "the tests of the contract need Python 3.11 or later: install it and start again."
    has_java || setup_fail "apt-get installed ${packages[*]}, but java does not start."
}

setup_main() {
    command -v cargo >/dev/null ||
        setup_fail "Rust is missing: install it from https://rustup.rs and start again."

    local missing=()
    has_compiler || missing+=(compiler)
    has_postgres || missing+=(postgresql)
    has_redis || missing+=(redis)
    if [[ -n ${SETUP_FOR_TESTS:-} ]]; then
        has_prometheus || missing+=(prometheus)
        has_alertmanager || missing+=(alertmanager)
    fi
    # Time zones are used where they are later than those compiled in.
    if [[ ! -e /usr/share/zoneinfo/tzdata.zi ]] && command -v apt-get >/dev/null; then missing+=(tzdata); fi
    # Elsewhere these scripts say what they leave out.
    if [[ -n ${SETUP_FOR_DEPLOY:-} ]] && command -v apt-get >/dev/null; then
        has_python || missing+=(python)
        command -v kubectl >/dev/null || missing+=(kubectl)
        command -v systemd-analyze >/dev/null || missing+=(systemd)
        if [[ $SETUP_FOR_DEPLOY == nspawn ]]; then
            command -v systemd-nspawn >/dev/null || missing+=(systemd-container)
            command -v curl >/dev/null || missing+=(curl)
            command -v pgrep >/dev/null || missing+=(procps)
        fi
    fi
    ((${#missing[@]} > 0)) || return 0

    local manager packages=() name
    if [[ $(uname -s) == Darwin ]]; then
        manager=brew
    else
        for manager in apt-get dnf apk ''; do
            if [[ -n $manager ]] && command -v "$manager" >/dev/null; then break; fi
        done
    fi
    for name in "${missing[@]}"; do
        case $manager:$name in
            apt-get:compiler) packages+=(gcc libc6-dev) ;;
            apt-get:redis) packages+=(redis-server) ;;
            apt-get:python) packages+=(python3 python3-venv) ;;
            apt-get:kubectl) packages+=(kubernetes-client) ;;
            apt-get:alertmanager) packages+=(prometheus-alertmanager) ;;
            dnf:compiler) packages+=(gcc) ;;
            dnf:postgresql) packages+=(postgresql-server postgresql-contrib) ;;
            apk:compiler) packages+=(gcc musl-dev) ;;
            apk:postgresql) packages+=(postgresql17 postgresql17-client postgresql17-contrib) ;;
            brew:compiler) setup_fail "a C compiler is missing: run \`xcode-select --install\` and start again." ;;
            brew:postgresql) packages+=(postgresql@17) ;;
            # No package there; the project publishes archives for every system.
            *:alertmanager) setup_fail "Alertmanager is missing, which the tests need: put \`alertmanager\` and \`amtool\` from https://prometheus.io/download/ on PATH and start again." ;;
            dnf:prometheus) setup_fail "Prometheus is missing, which the tests need: put \`prometheus\` and \`promtool\` from https://prometheus.io/download/ on PATH and start again." ;;
            *) packages+=("$name") ;;
        esac
    done

    case $manager in
        apt-get) ;;
        brew) setup_fail "${missing[*]} missing: run \`brew install ${packages[*]}\` and start again." ;;
        dnf) setup_fail "${missing[*]} missing: run \`sudo dnf install ${packages[*]}\` and start again." ;;
        apk) setup_fail "${missing[*]} missing: run \`apk add ${packages[*]}\` as root and start again." ;;
        *) setup_fail "missing: ${missing[*]}; needed are a C compiler (cc), the PostgreSQL server programs ($POSTGRES_OLDEST or later), redis-server and, for the tests, prometheus: install what is missing and start again." ;;
    esac

    setup_with_apt "${packages[@]}"
    hash -r
    has_postgres ||
        setup_fail "this distribution's PostgreSQL is older than $POSTGRES_OLDEST: install a newer one from https://apt.postgresql.org."
    if ! has_compiler || ! has_redis; then
        setup_fail "apt-get installed ${packages[*]}, but cc or redis-server is still not on PATH."
    fi
    if [[ -n ${SETUP_FOR_TESTS:-} ]] && { ! has_prometheus || ! has_alertmanager; }; then
        setup_fail "apt-get installed ${packages[*]}, but prometheus, promtool, prometheus-alertmanager or amtool is still not on PATH."
    fi
}

setup_main
if [[ -n ${SETUP_FOR_KAFKA:-} ]]; then setup_kafka; fi
if [[ -n ${SETUP_FOR_LONG_TESTS:-} ]]; then setup_long_tests; fi
