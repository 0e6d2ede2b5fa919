#!/usr/bin/env bash
# Regenerates `.sqlx`, the committed descriptions of all `query!` statements, from the migrations; needs no
# sqlx-cli. With --check it changes nothing, runs clippy over the workspace, for which the statements are described anew, and
# fails on a warning or if the committed files are out of date. If clippy is the compiler, as in `.ci/run`, the workspace is built.
#
# The query macros, if they are online and SQLX_OFFLINE_DIR is set, ask the database about each statement and
# write its description into that (existing) directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

check=''
case ${1:-} in
    '') ;;
    --check) check=1 ;;
    *) echo "Usage: scripts/prepare.sh [--check]" >&2 && exit 2 ;;
esac

# shellcheck source=scripts/setup.sh
source scripts/setup.sh
# shellcheck source=scripts/test-servers.sh
source scripts/test-servers.sh

owner_url=${LOADMASTER_TEST_OWNER_URL:-}
database=loadmaster_prepare_$$
fresh=''
touched=''
created=''

# Cargo considers neither `.sqlx` nor the database an input of a crate. Touching it before runs the macros again;
# touching it afterwards, also after a failure, makes the next offline build check the committed files.
touch_crates() { touch -c src/lib.rs src/main.rs crates/*/src/lib.rs; }

finish() {
    group_stop
    if [[ -n $touched ]]; then touch_crates; fi
    if [[ -n $created ]]; then
        "$psql" -Xq "$owner_url" -c "drop database if exists $database with (force)" >/dev/null 2>&1 || true
    fi
    servers_stop
    if [[ -n $fresh ]]; then rm -rf "$fresh"; fi
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

servers_clean_environment
if [[ -z $owner_url ]]; then
    servers_start
    owner_url=$TEST_OWNER_URL
fi
psql=$(postgres_client psql "$(postgres_bin_dir)")
export PGOPTIONS='--client-min-messages=warning'

"$psql" -Xq -v ON_ERROR_STOP=1 "$owner_url" -c "create database $database"
# A private server is deleted as a whole.
if [[ -z $SERVERS_DIR ]]; then created=1; fi
[[ $owner_url =~ ^([^?]*//[^/?]*)(/[^?]*)?(\?.*)?$ ]]
scratch_url=${BASH_REMATCH[1]}/$database${BASH_REMATCH[3]:-}

for migration in migrations/*.sql; do
    [[ -e $migration && $migration != *.down.sql ]] || continue
    transaction=(-1)
    # The marker by which sqlx also leaves the transaction out.
    if [[ $(head -n 1 "$migration") == '-- no-transaction'* ]]; then transaction=(); fi
    if ! "$psql" -Xq -v ON_ERROR_STOP=1 ${transaction[@]+"${transaction[@]}"} -f "$migration" "$scratch_url" >/dev/null; then
        echo "loadmaster: $migration failed, see above." >&2
        exit 1
    fi
done

fresh=$(mktemp -d "${TMPDIR:-/tmp}/loadmaster-sqlx.XXXXXX")
touched=1
touch_crates
unset PGOPTIONS
# All statements are in the libraries.
compile=(cargo check "${CRATES[@]}" --lib "${BUILD[@]}")
if [[ -n $check && -n ${RUSTC_WORKSPACE_WRAPPER:-} ]]; then
    compile=(cargo build "${CRATES[@]}" --all-targets "${BUILD[@]}")
elif [[ -n $check ]]; then
    compile=(cargo clippy "${CRATES[@]}" --all-targets "${BUILD[@]}" -- -D warnings)
fi
group_run env SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$fresh" DATABASE_URL="$scratch_url" "${compile[@]}"

if [[ -z $check ]]; then
    mkdir -p .sqlx
    rm -f .sqlx/query-*.json
    for file in "$fresh"/query-*.json; do
        if [[ -e $file ]]; then cp "$file" .sqlx/; fi
    done
    rmdir .sqlx 2>/dev/null || true # git keeps no empty directory, so neither do we
    echo "loadmaster: .sqlx describes $(find "$fresh" -name 'query-*.json' | wc -l | tr -d ' ') statements" >&2
    exit 0
fi

# Prints each out-of-date file with its statement.
differences=0
report() { # reason file
    echo "  $1: ${2##*/} $(sed -n 's/^  "query": //p' "$2" | cut -c 1-100)" >&2
    differences=$((differences + 1))
}
for file in "$fresh"/query-*.json; do
    [[ -e $file ]] || continue
    if [[ ! -e .sqlx/${file##*/} ]]; then
        report missing "$file"
    elif ! cmp -s "$file" ".sqlx/${file##*/}"; then
        report changed "$file"
    fi
done
for file in .sqlx/query-*.json; do
    if [[ -e $file && ! -e $fresh/${file##*/} ]]; then report unused "$file"; fi
done
if ((differences > 0)); then
    echo "loadmaster: .sqlx is out of date ($differences files); run scripts/prepare.sh and commit the result." >&2
    exit 1
fi
# What was compiled is what the committed files give.
touched=''
