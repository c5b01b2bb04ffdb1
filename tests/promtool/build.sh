#!/usr/bin/env bash
# Builds the pinned promtool, and beside it `selectors`, and prints one line, the folder that holds both.
# What is already built is not built again; README.md says where it is kept and how to bump it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

say() { printf 'promtool: %s\n' "$*" >&2; }

for tool in go flock sha256sum; do
    command -v "$tool" >/dev/null || { say "$tool is needed to build promtool, and is not in PATH"; exit 1; }
done

# The caller's Go settings must not change what comes out, since the digest does not see them.
unset GOOS GOARCH
export GOWORK=off GOFLAGS=-buildvcs=false CGO_ENABLED=0

digest=$({ cat go.mod go.sum build.sh selectors/*.go; go version; } | sha256sum | cut -c1-16)
cache=${BINDGUARD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}}/bindguard/promtool
folder=$cache/$digest

if [ ! -x "$folder/promtool" ] || [ ! -x "$folder/selectors" ]; then
    mkdir -p "$folder"
    exec 9>"$folder/.lock"
    flock 9
    started=$SECONDS
    build() {
        [ -x "$folder/$1" ] && return
        say "building $1 (the first time takes minutes)"
        # Alerts need no service discovery: without it promtool is a fraction of the modules and of the time. A binary gets its
        # name only when it is whole, and the lock is not handed down to a helper that go leaves behind.
        go build -trimpath -tags remove_all_sd -ldflags '-s -w' -o "$folder/.partial-$1" "$2" 9>&- >&2
        mv "$folder/.partial-$1" "$folder/$1"
    }
    build promtool github.com/prometheus/prometheus/cmd/promtool
    build selectors ./selectors
    say "built in $((SECONDS - started)) s"
fi

printf '%s\n' "$folder"
