#!/usr/bin/env bash
# Builds `loadmaster` of the previous release for the test of two versions side by side, below target/previous, and prints
# the path of the binary. The previous release is the newest tag `v*` that HEAD contains and is not, else the commit below.
# Needs no network beyond what the present version was built with: dependencies come from cargo's cache.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The last commit before there was a test of two versions; used as long as there is no tag.
FIRST=0d1e7d8790e2e516b11493f772e6650db9b65133

git rev-parse --verify --quiet HEAD >/dev/null || {
    echo "loadmaster: the previous release is built from the git repository, and this is none" >&2
    exit 1
}
head=$(git rev-parse HEAD)
previous=$FIRST
for tag in $(git tag --list 'v*' --merged HEAD --sort=-version:refname); do
    commit=$(git rev-parse "$tag^{commit}")
    if [[ $commit != "$head" ]]; then
        previous=$commit
        break
    fi
done

target=${CARGO_TARGET_DIR:-$PWD/target}
home=$target/previous
if [[ ! -e $home/$previous/Cargo.toml ]]; then
    rm -rf "${home:?}/$previous" "$home/$previous.part"
    mkdir -p "$home/$previous.part"
    git archive "$previous" | tar -x -C "$home/$previous.part"
    mv "$home/$previous.part" "$home/$previous"
fi
cargo build --quiet --locked --manifest-path "$home/$previous/Cargo.toml" --target-dir "$home/target" \
    -p loadmaster --bin loadmaster >&2
echo "$home/target/debug/loadmaster"
