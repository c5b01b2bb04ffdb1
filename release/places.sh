#!/usr/bin/env bash
# Every place that tells the version, one a line: what tells it, a tab, and what it says. Cargo.toml is the place where it
# is decided; release/version.sh writes it into the others.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\t%s\n' "$1" "$2"; }

# The version of bindguard itself in a lock file.
locked() { awk '/^name = "bindguard"$/ { getline; gsub(/"/, "", $3); print $3 }' "$1"; }

say Cargo.toml "$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml)"
say Cargo.lock "$(locked Cargo.lock)"
say fuzz/Cargo.lock "$(locked fuzz/Cargo.lock)"
say 'Chart.yaml, version' "$(sed -n 's/^version: //p' charts/bindguard/Chart.yaml)"
say 'Chart.yaml, appVersion' "$(sed -n 's/^appVersion: //p' charts/bindguard/Chart.yaml)"
say Dockerfile "$(sed -n 's/^ARG VERSION=//p' Dockerfile)"
for page in README.md docs/*.md; do
  { grep -oE '\bbindguard[:-][0-9]+\.[0-9]+\.[0-9]+' "$page" || true; } | sort -u | while read -r words; do
    say "$page, $words" "${words#bindguard?}"
  done
done
