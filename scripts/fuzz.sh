#!/usr/bin/env bash
# Fuzzes one reader (parser of bytes from outside), or all of them in turn, with libFuzzer and the stable compiler.
# Stops at the first finding with a non-zero status, and names the file that contains it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

READERS=(body csv cursor headers ssim token workbook)

usage() {
    cat <<USAGE
Usage: scripts/fuzz.sh READER|all [SECONDS] [option of libFuzzer...]
       scripts/fuzz.sh --build

Fuzzes a reader (${READERS[*]}) for SECONDS, 60 by default. Starts from tests/fuzz/corpus/READER; new inputs are
kept in fuzz/found/READER, findings in fuzz/artifacts/READER. Needs a C++ compiler.
USAGE
}

case ${1:-} in
    '' | -h | --help) usage && exit 0 ;;
    --build | all) chosen=("${READERS[@]}") ;;
    *)
        if [[ " ${READERS[*]} " != *" $1 "* ]]; then usage >&2 && exit 2; fi
        chosen=("$1")
        ;;
esac
command=$1
seconds=${2:-60}
shift $(($# > 2 ? 2 : $#))

if ! command -v c++ >/dev/null; then
    echo "loadmaster: fuzzing needs a C++ compiler: c++ is not on PATH." >&2
    exit 1
fi

target=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
# Fuzzes the versions of the dependencies that are shipped; cargo adds those that only the fuzzer needs.
cp Cargo.lock fuzz/Cargo.lock
env RUSTC_WRAPPER="$PWD/scripts/fuzz-rustc.sh" CARGO_TARGET_DIR="$target" cargo build --quiet --manifest-path fuzz/Cargo.toml
if [[ $command == --build ]]; then exit 0; fi

# libFuzzer calls the reader on the main thread: give it the stack of a worker thread, 2 MiB.
ulimit -s 2048
for reader in "${chosen[@]}"; do
    mkdir -p "fuzz/found/$reader" "fuzz/artifacts/$reader"
    echo "loadmaster: fuzzing the reader $reader for $seconds s" >&2
    "$target/debug/$reader" -max_total_time="$seconds" -max_len=131072 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="fuzz/artifacts/$reader/" "$@" "fuzz/found/$reader" "tests/fuzz/corpus/$reader"
done
