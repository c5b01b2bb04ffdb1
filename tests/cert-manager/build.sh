#!/usr/bin/env bash
# Builds the parts of cert-manager that are pinned here and prints one line, the folder that holds the binary
# `cert-manager` and its definitions, `crds`. What is already built is not built again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

say() { printf 'cert-manager: %s\n' "$*" >&2; }

for tool in go flock sha256sum; do
    command -v "$tool" >/dev/null || { say "$tool is needed to build cert-manager, and is not in PATH"; exit 1; }
done

# The caller's Go settings must not change what comes out, since the digest does not see them.
unset GOOS GOARCH
export GOWORK=off GOFLAGS=-buildvcs=false CGO_ENABLED=0

digest=$({ cat go.mod go.sum main.go build.sh; go version; } | sha256sum | cut -c1-16)
cache=${BINDGUARD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}}/bindguard/cert-manager
folder=$cache/$digest

mkdir -p "$folder"
exec 9>"$folder/.lock"
flock 9
if [ ! -x "$folder/cert-manager" ]; then
    say 'building it (the first time takes minutes)'
    started=$SECONDS
    # It gets its name only when all is whole. The lock is not handed down: a helper that go leaves behind would keep it.
    go build -trimpath -ldflags '-s -w' -o "$folder/.partial" . 9>&- >&2
    module=$(go list -m -f '{{.Dir}}' github.com/cert-manager/cert-manager 9>&-)
    mkdir -p "$folder/crds"
    install -m 644 "$module"/deploy/crds/cert-manager.io_*.yaml "$folder/crds"
    mv "$folder/.partial" "$folder/cert-manager"
    say "built in $((SECONDS - started)) s"
fi
printf '%s\n' "$folder"
