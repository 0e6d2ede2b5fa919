#!/usr/bin/env bash
# Provides a Docker engine with all images that `Dockerfile` and the Compose files name. Where images cannot be pulled, makes
# stand-ins from Debian's packages (scripts/stand-ins/README.md says what they can show and what not).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'USAGE'
Usage: scripts/local-images.sh DIRECTORY
       scripts/local-images.sh --stop DIRECTORY

Uses the Docker engine that answers, or starts one whose data are in DIRECTORY (8 GB; with root's rights, on Debian). Pulls
or makes the images that are missing. Prints `DOCKER_HOST=…` and `PATH=…` on stdout for the caller to export. DIRECTORY can
be used again and then takes seconds. Exits 75 if this machine can neither run an engine nor get the images. --stop ends an
engine that was started in DIRECTORY and keeps its data; to delete them, remove the directory afterwards.
USAGE
}

fail() {
    echo "loadmaster: $*" >&2
    exit 1
}

# The exit status for a machine that can neither run an engine nor get the images.
skip() {
    echo "loadmaster: $*" >&2
    exit 75
}

stop_engine() { # directory
    local pid tries=0
    [[ -s $1/dockerd.pid ]] || return 0
    pid=$(<"$1/dockerd.pid")
    kill -TERM "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null && ((++tries < 300)); do sleep 0.1; done
    ! kill -0 "$pid" 2>/dev/null || fail "the engine with process $pid did not end."
}

case ${1:-} in
    '' | -h | --help) usage >&2 && exit 2 ;;
    --stop) stop_engine "$(realpath "${2:?a directory}")" && exit 0 ;;
esac
mkdir -p "$1"
directory=$(realpath "$1")

run() { "$@" >>"$directory/log" 2>&1 || { tail -n 20 "$directory/log" >&2 && fail "\`$*\` failed; see $directory/log."; }; }

has_engine() { docker info >/dev/null 2>&1; }
# `env_file` with `required` came with 2.24.
has_compose() {
    local version
    version=$(docker compose version --short 2>/dev/null) || return 1
    printf '%s\n' 2.24 "${version#v}" | sort --check=quiet --version-sort
}

# Unpacks a Debian release by debootstrap, with its sources set to the mirror of this machine.
release() { # name
    [[ ! -e $directory/$1/.complete ]] || return 0
    local mirror
    mirror=$(awk '/^URIs:/ { print $2; exit } /^deb / { print $2; exit }' /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null || true)
    mirror=${mirror:-http://deb.debian.org/debian}
    rm -rf "${directory:?}/$1"
    run debootstrap --variant=minbase "$1" "$directory/$1" "$mirror"
    printf 'deb %s %s main\ndeb %s %s-updates main\n' "$mirror" "$1" "$mirror" "$1" >"$directory/$1/etc/apt/sources.list"
    printf 'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache ""; DPkg::Post-Invoke {"rm -f /var/cache/apt/archives/*.deb";};\n' \
        >"$directory/$1/etc/apt/apt.conf.d/loadmaster"
    touch "$directory/$1/.complete"
}

# Unpacks packages of Debian 13, which work on an older Debian too, without installing them.
unpack() { # package...
    local deb
    release trixie
    # shellcheck disable=SC2016  # expanded by the inner shell
    run chroot "$directory/trixie" sh -ec 'cd /tmp && rm -f ./*.deb && apt-get -qq update && apt-get -qq download "$@"' sh "$@"
    for deb in "$directory"/trixie/tmp/*.deb; do
        run dpkg-deb -x "$deb" "$directory/unpacked"
        rm "$deb"
    done
}

debian_as_root() {
    ((EUID == 0)) || skip "$1, and only root can change that."
    command -v apt-get >/dev/null || skip "$1, and only Debian's packages could change that."
    if ! command -v debootstrap >/dev/null || ! command -v containerd >/dev/null; then
        # shellcheck source=scripts/setup.sh
        source scripts/setup.sh
        setup_with_apt docker.io debootstrap
    fi
}

start_engine() {
    local tries=0
    debian_as_root 'no Docker engine answers'
    if [[ ! -x $directory/unpacked/usr/sbin/dockerd ]]; then unpack docker.io docker-compose docker-buildx; fi
    export PATH=$directory/unpacked/usr/sbin:$directory/unpacked/usr/bin:$PATH
    export DOCKER_HOST=unix://$directory/docker.sock DOCKER_CONFIG=$directory/config
    mkdir -p "$DOCKER_CONFIG/cli-plugins"
    cp "$directory"/unpacked/usr/libexec/docker/cli-plugins/* "$DOCKER_CONFIG/cli-plugins/"
    has_engine && return 0
    echo "loadmaster: starting a Docker engine in $directory" >&2
    rm -f "$directory/dockerd.pid"
    nohup dockerd --host "$DOCKER_HOST" --data-root "$directory/data" --exec-root "$directory/exec" \
        --pidfile "$directory/dockerd.pid" >"$directory/dockerd.log" 2>&1 </dev/null &
    until has_engine; do
        ((++tries < 300)) || { tail -n 20 "$directory/dockerd.log" >&2 && skip "the Docker engine does not start."; }
        sleep 0.2
    done
}

# Every image that the files name, but for the one that is built.
names() {
    sed -n 's/^ARG [A-Z]*_IMAGE=//p' Dockerfile
    SECRETS_DIR=. docker compose --profile '*' config --images | grep -vx "${IMAGE:-loadmaster}"
}

build() { # image, folder of scripts/stand-ins, context
    run docker build --label loadmaster.stand-in=true --tag "$1" --file "scripts/stand-ins/$2/Dockerfile" \
        --build-context certificates=/etc/ssl/certs "${3:-scripts/stand-ins/$2}"
}

import() { # release
    if docker image inspect "debian:$1-slim" >/dev/null 2>&1; then return 0; fi
    release "$1"
    tar -C "$directory/$1" --exclude='./var/lib/apt/lists/*' --exclude=./.complete -c . |
        docker import --change 'CMD ["bash"]' --change 'LABEL loadmaster.stand-in=true' - "debian:$1-slim" >>"$directory/log"
}

stand_in() { # image
    debian_as_root "the image $1 cannot be pulled"
    import bookworm
    case $1 in
        debian:bookworm-slim) ;;
        rust:*) build "$1" rust "$(rustc --print sysroot)" ;;
        postgres:17* | nginx:*)
            import trixie
            build "$1" "${1%%:*}"
            ;;
        redis:7*) build "$1" redis ;;
        prom/*)
            if [[ ! -x $directory/unpacked/usr/bin/prometheus ]]; then unpack prometheus prometheus-alertmanager; fi
            local name=${1#prom/}
            build "$1" "${name%%:*}" "$directory/unpacked"
            ;;
        *) build "$1" sleeper ;;
    esac
    echo "$1" >>"$directory/stand-ins"
}

: >"$directory/log"
: >"$directory/stand-ins"
if ! has_engine || ! has_compose; then start_engine; fi
for image in $(names | sort -u); do
    if docker image inspect "$image" >/dev/null 2>&1; then continue; fi
    if docker pull --quiet "$image" >>"$directory/log" 2>&1; then continue; fi
    echo "loadmaster: $image cannot be pulled; making a stand-in for it" >&2
    stand_in "$image"
done
printf 'DOCKER_HOST=%q\nPATH=%q\n' "${DOCKER_HOST:-}" "$PATH"
if [[ -n ${DOCKER_CONFIG:-} ]]; then printf 'DOCKER_CONFIG=%q\n' "$DOCKER_CONFIG"; fi
