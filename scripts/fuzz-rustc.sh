#!/usr/bin/env bash
# A RUSTC_WRAPPER: instruments Loadmaster's crates and the parsers that they use for libFuzzer, as cargo-fuzz does. Crates that
# are also linked into compiler plugins are left out, because plugins have no libFuzzer.
set -euo pipefail
previous='' crate='' kind=''
for argument in "$@"; do
    case $previous in
        --crate-name) crate=$argument ;;
        --crate-type) kind=$argument ;;
    esac
    previous=$argument
done
case $crate/$kind in
    loadmaster_*/lib | body/bin | csv/* | cursor/bin | headers/bin | token/bin | workbook/bin | csv_core/lib | jsonwebtoken/lib | \
        quick_xml/lib)
        exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
            -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0 \
            -Ccodegen-units=1 --cfg fuzzing
        ;;
    *) exec "$@" ;;
esac
