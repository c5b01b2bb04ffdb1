#!/usr/bin/env bash
# Fuzzes each target, or those that are named, for FUZZ_SECONDS each.
#
# corpus/ is what this machine has gathered, and is not kept. seeds/ is the least of it that reaches the same code (see
# keep.sh), and found/ what was once too much for the program: tests/hostile tries both on every run.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${FUZZ_SECONDS:-60}
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  targets=(review policy manifests yaml)
fi
if ! cargo +nightly fuzz --version >/dev/null 2>&1; then
  echo 'this needs a nightly compiler (rustup toolchain install nightly) and cargo-fuzz (cargo install --locked cargo-fuzz)' >&2
  exit 2
fi

seeds() {
  case $1 in
    review) echo ../tests/fixtures/reviews ../examples/reviews ;;
    policy) echo ../examples/policies ;;
    manifests) echo ../examples ../tests/support ;;
    yaml) echo ../examples ../tests/fixtures/reviews ;;
  esac
}

# Without the address sanitizer, which is the default: it looks for faults that take `unsafe`, of which there is none here,
# and makes everything slower. FUZZ_SANITIZER=address looks for those of the dependencies.
options=(--fuzz-dir . --debug-assertions --sanitizer "${FUZZ_SANITIZER:-none}" --codegen-units 16)

for target in "${targets[@]}"; do
  printf '\n=== %s, %s s\n' "$target" "$seconds"
  mkdir -p "corpus/$target" "found/$target"
  # shellcheck disable=SC2046 # the folders are ours and have no blanks in their names
  cargo +nightly fuzz run "${options[@]}" "$target" \
    "corpus/$target" "seeds/$target" "found/$target" $(seeds "$target") -- \
    -dict=words.dict -artifact_prefix="found/$target/" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -max_len=65536 -print_final_stats=1
done
