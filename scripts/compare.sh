#!/usr/bin/env bash
# Compares the speed of the working tree with that of another revision: builds both as they are shipped, and measures each row of
# `cargo bench --bench throughput` on both by turns.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'USAGE'
Usage: scripts/compare.sh REV [word...]

Prints requests per second of REV and of the working tree, their ratio (the median of all rounds, the least and the most), and the
ratios of processor time per request and of p99. With words, only rows whose names contain one of them. BENCH_RUNS is the number of
rounds (5), BENCH_SECONDS the length of a run (2). Leaves the figures in target/bench/compare.json.
USAGE
}

if [[ ${1:-} == --help || ${1:-} == -h ]]; then usage && exit 0; fi
if [[ -z ${1:-} ]]; then usage >&2 && exit 2; fi
revision=$(git rev-parse --verify --quiet "$1^{commit}") || {
    echo "loadmaster: $1 is no revision of this repository" >&2
    exit 2
}
shift
words=$(IFS=, && echo "$*")

# shellcheck source=scripts/setup.sh
source scripts/setup.sh
target=${CARGO_TARGET_DIR:-$PWD/target}
# Cargo names what it builds by its path within a workspace, so that it takes what it built of one tree for that of another, unless
# the sources are newer.
touch_crates() { find "$1/src" "$1/crates" -name '*.rs' -exec touch {} +; }
home=$target/compare/$revision
if [[ ! -x $home/loadmaster ]]; then
    rm -rf "$home"
    mkdir -p "$home/tree"
    git archive "$revision" | tar -x -C "$home/tree"
    # Both builds share the dependencies.
    touch_crates "$home/tree"
    cargo build --quiet --release --locked --manifest-path "$home/tree/Cargo.toml" --target-dir "$target" \
        -p loadmaster --bin loadmaster
    cp "$target/release/loadmaster" "$home/loadmaster"
    rm -rf "$home/tree"
fi
touch_crates .
BENCH_AGAINST=$home/loadmaster BENCH_ONLY=$words cargo bench --locked --bench throughput
