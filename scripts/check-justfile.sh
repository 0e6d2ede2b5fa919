#!/usr/bin/env bash
# Checks the justfile: that each recipe has a comment, which `just --list` shows, that `just` can read it where it is installed, and
# that it names only services of docker-compose.yml and only scripts that exist.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

failed=0
fails() {
    failed=1
    echo "justfile: $1" >&2
}

# The names below `services:`.
services() { awk '/^[a-z]/ { inside = /^services:/ } inside && /^  [a-z]/ { sub(":.*", ""); print $1 }' docker-compose.yml; }

# The services that commands of Compose name, and those that a parameter has by default.
named() {
    sed -nE 's/^ +docker compose (build|exec|restart|run|up)( --?[a-z-]+)* ([a-z][a-z0-9-]*).*/\3/p; s/^[a-z-]+ service="([^"]*)":.*/\1/p' justfile
}

undocumented() {
    awk '/^[a-z][a-z-]*( [^:]*)?:( |$)/ && !/^set / && before !~ /^#/ && before !~ /^@?default/ { sub("[ :].*", ""); if ($0 != "default") print }
         { before = $0 }' justfile
}

known=$(services)
[[ -n $known ]] || fails 'docker-compose.yml names no service'
[[ -n $(named) ]] || fails 'no recipe names a service'
while IFS= read -r name; do
    grep -qxF -- "$name" <<<"$known" || fails "there is no service $name in docker-compose.yml"
done < <(named)
while IFS= read -r name; do
    fails "the recipe $name has no comment"
done < <(undocumented)
while IFS= read -r name; do
    [[ -x $name ]] || fails "there is no script $name"
done < <(grep -oE '^ +(\./|\.ci/|scripts/|deploy/)[a-zA-Z./-]+' justfile | tr -d ' ' | sort -u)
for name in up down restart logs migrate psql redis-cli shell; do
    grep -qE "^$name( |:)" justfile || fails "there is no recipe $name"
done
if command -v just >/dev/null; then
    just --list >/dev/null || fails 'just cannot read it'
else
    echo 'just is not installed: the justfile was only read'
fi
exit "$failed"
