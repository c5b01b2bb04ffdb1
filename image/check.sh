#!/usr/bin/env bash
# Builds the image, tries all that tests/image tries, and builds its program a second time, in another folder and without a
# container: the same source must make the same bytes. Takes as long as two first builds.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'image: %s\n' "$*" >&2; }

image/build.sh >/dev/null
"${CARGO:-cargo}" test --locked --test image -- --nocapture
digest() { sha256sum "$1" | cut -d ' ' -f 1; }
in_image=target/image/rootfs

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# What the Dockerfile copies.
cp -a --parents Cargo.toml Cargo.lock LICENSE src tests/support benches image "$folder"
say "compiling the same in $folder"
(cd "$folder" && CARGO_NET_OFFLINE=true image/compile.sh "$folder/out" >&2)

for file in bindguard bindguard.cdx.json LICENSE; do
  one=$(digest "$in_image/$file")
  other=$(digest "$folder/out/$file")
  if [ "$one" != "$other" ]; then
    say "$file differs: $one in the image, $other in $folder"
    exit 1
  fi
  say "$file is the same: $one"
done

# The image itself, made again of the same parts.
image_digest() { tar -xOf "$1" index.json | jq --raw-output '.manifests[0].digest'; }
first=$(image_digest target/image/bindguard-*.oci.tar)
image/build.sh >/dev/null 2>&1
second=$(image_digest target/image/bindguard-*.oci.tar)
[ "$first" = "$second" ] || { say "two images of the same source: $first, $second"; exit 1; }
say "the image is the same: $first"
