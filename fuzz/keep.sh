#!/usr/bin/env bash
# Puts the least of what run.sh has gathered that reaches the same code into seeds/, in the place of what was there. Inputs
# that somebody wrote, which have names, stay. Large ones are left out: seeds are for everybody's tests.
set -euo pipefail
cd "$(dirname "$0")"

largest=2048
gathered=$(mktemp -d)
trap 'rm -rf "$gathered"' EXIT

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  targets=(review policy manifests yaml)
fi
for target in "${targets[@]}"; do
  mkdir "$gathered/$target" "$gathered/$target.kept"
  for folder in "corpus/$target" "seeds/$target"; do
    find "$folder" -type f -size "-$((largest + 1))c" -exec cp -t "$gathered/$target" {} +
  done
  cargo +nightly fuzz run --fuzz-dir . --debug-assertions --sanitizer none --codegen-units 16 "$target" \
    "$gathered/$target.kept" "$gathered/$target" -- -set_cover_merge=1 -use_counters=0
  find "seeds/$target" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete
  find "$gathered/$target.kept" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -exec cp -t "seeds/$target" {} +
done
du -sh --apparent-size seeds
