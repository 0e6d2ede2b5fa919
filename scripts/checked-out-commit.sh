#!/bin/sh
# Prints the commit that is checked out, or nothing where that cannot be told. Reads .git itself: the image that builds
# Loadmaster has no git. Needs .git/HEAD, .git/packed-refs and .git/refs/heads only.
set -eu
cd "$(dirname "$0")/.."

[ -f .git/HEAD ] || exit 0
read -r head <.git/HEAD
case $head in
    'ref: '*) ref=${head#ref: } ;;
    *) echo "$head" && exit 0 ;;
esac
if [ -f ".git/$ref" ]; then
    cat ".git/$ref"
elif [ -f .git/packed-refs ]; then
    # Each line holds a commit and a name.
    while read -r commit name; do
        if [ "$name" = "$ref" ]; then echo "$commit"; fi
    done <.git/packed-refs
fi
