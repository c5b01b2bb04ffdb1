#!/usr/bin/env bash
# Gives crate, chart, image and pack another version, and what is unreleased in the changelog its heading: version.sh X.Y.Z
set -euo pipefail
cd "$(dirname "$0")/.."

new=${1:-}
if ! [[ $new =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]; then
  echo 'version: say which, as in: make version VERSION=1.2.3' >&2
  exit 2
fi
if grep -qF "## [$new]" CHANGELOG.md; then
  echo "version: CHANGELOG.md has $new already" >&2
  exit 1
fi

sed -i "0,/^version = /s/^version = .*/version = \"$new\"/" Cargo.toml
for lock in Cargo.lock fuzz/Cargo.lock; do
  sed -i "/^name = \"bindguard\"\$/{n;s/.*/version = \"$new\"/}" "$lock"
done
sed -i -e "s/^version: .*/version: $new/" -e "s/^appVersion: .*/appVersion: $new/" charts/bindguard/Chart.yaml
sed -i "s/^ARG VERSION=.*/ARG VERSION=$new/" Dockerfile
sed -i -E "s/\b(bindguard[:-])[0-9]+\.[0-9]+\.[0-9]+/\1$new/g" README.md docs/*.md
sed -i "s/^## \[Unreleased\]\$/## [Unreleased]\n\n## [$new] - $(date -u +%F)/" CHANGELOG.md

echo "version: $new. What the chart renders has changed with it: UPDATE=1 cargo test --test chart" >&2
