#!/bin/sh
# Fills templates as the entrypoint of the official image does, then runs the command.
set -eu

from=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
to=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}
if [ "$1" = nginx ] && [ -d "$from" ]; then
    # shellcheck disable=SC2016  # names of variables, for envsubst
    names=$(awk -v filter="${NGINX_ENVSUBST_FILTER:-}" 'END { for (name in ENVIRON) if (name ~ filter) printf "${%s} ", name }' </dev/null)
    if [ -w "$to" ]; then
        find "$from" -follow -type f -name '*.template' -print | while read -r template; do
            target=${template#"$from"/}
            target=$to/${target%.template}
            mkdir -p "${target%/*}"
            envsubst "$names" <"$template" >"$target"
        done
    else
        echo "$0: ERROR: $from exists, but $to is not writable" >&2
    fi
fi
exec "$@"
