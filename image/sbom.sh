#!/bin/sh
# What the program for a target is made of, from the lock file, as CycloneDX 1.6: sbom.sh TARGET
set -eu
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The digests of crates are only in the lock file.
awk -F '"' '
  /^\[\[package\]\]/ { name = version = "" }
  /^name = /         { name = $2 }
  /^version = /      { version = $2 }
  /^checksum = /     { printf "%s@%s %s\n", name, version, $2 }
' Cargo.lock |
  jq --raw-input --slurp 'split("\n") | map(select(. != "") | split(" ") | {(.[0]): .[1]}) | add' > "$scratch/digests"

# The metadata have all that features of the tests bring as well; the tree can leave that out.
cargo tree --locked --edges normal,build --target "$1" --prefix none --format '{p}' |
  awk '{ print $1 "@" substr($2, 2) }' |
  jq --raw-input --slurp 'split("\n") | map(select(. != "") | {(.): true}) | add' > "$scratch/built"

cargo metadata --format-version 1 --locked --filter-platform "$1" |
  jq --sort-keys --arg target "$1" --slurpfile digests "$scratch/digests" --slurpfile built "$scratch/built" \
    --from-file image/sbom.jq
