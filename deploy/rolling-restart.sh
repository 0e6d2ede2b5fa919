#!/usr/bin/env bash
# Replaces the instances of docker-compose.yml one after another, so that no request fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'USAGE'
Usage: deploy/rolling-restart.sh [option of docker compose...]

Takes each instance out of nginx, replaces its container by one of the current image and settings, waits until it is
healthy, and puts it back in. Give the same options as to `docker compose`, for example
`-f docker-compose.yml -f docker-compose.production.yml`. A new image is built or pulled, and migrated to, before.
USAGE
}

case ${1:-} in
    -h | --help) usage && exit 0 ;;
esac

INSTANCES=(app-1 app-2)

compose() { docker compose ${options[@]+"${options[@]}"} "$@"; }
options=("$@")

# Requests that are on their way to the instance when nginx reads its settings again are still answered by it: nginx's old
# processes wait for them, and the instance too.
in_nginx() { # instance, then `down` or nothing
    # shellcheck disable=SC2016  # expanded in the container
    compose exec -T nginx sh -c '
        set -eu
        file=/etc/nginx/conf.d/instances.conf
        sed "s/^\( *server $1:8080 max_fails=1 fail_timeout=10s\).*;/\1$2;/" "$file" >/tmp/instances.conf
        cat /tmp/instances.conf >"$file"
        nginx -q -t
        nginx -s reload' sh "$1" "${2:+ $2}"
}

# Whatever happens, no instance that works stays out.
out=''
restore() {
    if [[ -n $out ]]; then in_nginx "$out" || true; fi
}
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

for instance in "${INSTANCES[@]}"; do
    echo "loadmaster: replacing $instance" >&2
    out=$instance
    in_nginx "$instance" down
    compose up --detach --no-deps --no-build --force-recreate --wait "$instance"
    in_nginx "$instance"
    out=''
done
echo "loadmaster: all instances are replaced" >&2
