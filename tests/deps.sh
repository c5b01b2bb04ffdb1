#!/usr/bin/env bash
# Installs the Debian packages that building and testing need, or names them and stops.
#
#     deps.sh [COMMAND:PACKAGE]...    what a caller needs besides
set -euo pipefail

# A command that must be there, and the package that brings it.
needed=(
  cc:gcc
  make:make
  curl:curl
  setpriv:util-linux
  flock:util-linux
  unshare:util-linux
  nsenter:util-linux
  ip:iproute2
  git:git
  chromium:chromium
  chromedriver:chromium-driver
  "$@"
)

for tool in cargo go; do
  if ! command -v "$tool" >/dev/null; then
    echo "deps: $tool is not installed; see CONTRIBUTING.md for the versions of Rust and Go" >&2
    exit 1
  fi
done

missing=()
for entry in "${needed[@]}"; do
  command -v "${entry%%:*}" >/dev/null || missing+=("${entry##*:}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "deps: please install these packages: ${missing[*]}" >&2
  exit 1
fi
echo "deps: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >&2
apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
