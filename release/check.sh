#!/usr/bin/env bash
# Whether this tree can be released as the version that Cargo.toml says. All that is wrong is told at once.
set -euo pipefail
cd "$(dirname "$0")/.."

wrong=0
no() {
  printf 'release: %s\n' "$*" >&2
  wrong=1
}

version=$(release/places.sh | sed -n '1s/.*\t//p')
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || no "Cargo.toml: \"$version\" is not of the form X.Y.Z"
while IFS=$'\t' read -r place told; do
  [ "$told" = "$version" ] || no "$place says ${told:-nothing}, and Cargo.toml $version"
done < <(release/places.sh)

# https://keepachangelog.com: what is unreleased first, then versions with their days, newest first.
mapfile -t headings < <(grep '^## ' CHANGELOG.md)
[ "${headings[0]:-}" = '## [Unreleased]' ] || no 'CHANGELOG.md: the first heading is not "## [Unreleased]"'
if ! [[ ${headings[1]:-} =~ ^"## [$version] - "[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]]; then
  no "CHANGELOG.md: the first version is not \"## [$version] - YEAR-MONTH-DAY\": make version VERSION=X.Y.Z"
fi
between() { awk -v from="$1" -v to="$2" '$0 == to && to != "" { exit } reading { print } $0 == from { reading = 1 }' CHANGELOG.md; }
[ -z "$(between '## [Unreleased]' "${headings[1]:-}" | grep '^- ' || true)" ] || no 'CHANGELOG.md: something is unreleased'
[ -n "$(between "${headings[1]:-none}" "${headings[2]:-}" | grep '^- ' || true)" ] || no "CHANGELOG.md: nothing is told of $version"

for manifest in Cargo.toml fuzz/Cargo.toml; do
  cargo metadata --format-version 1 --locked --offline --manifest-path "$manifest" >/dev/null 2>&1 ||
    no "$manifest and its lock file are not in step"
done

changed=$(git status --porcelain)
[ -z "$changed" ] || no "the tree is not clean:"$'\n'"$changed"
if tagged=$(git rev-parse --quiet --verify "refs/tags/v$version^{commit}"); then
  [ "$tagged" = "$(git rev-parse HEAD)" ] || no "the tag v$version is on another commit"
fi

[ "$wrong" -eq 0 ] || exit 1
echo "bindguard $version can be released; docs/release.md goes on from here"
