#!/usr/bin/env bash
# Builds the pinned control plane and prints one line, the folder that holds its binaries.
# What is already built is not built again; README.md says where it is kept and how to bump it.
set -euo pipefail

binaries=(etcd kube-apiserver kubectl kube-controller-manager helm)

say() { printf 'control-plane: %s\n' "$*" >&2; }

missing_in() {
    local name
    for name in "${binaries[@]}"; do
        [ -x "$1/$name" ] || printf '%s\n' "$name"
    done
}

# Somebody else's binaries are taken as they are: building the rest next to them would mix versions.
if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
    missing=$(missing_in "$KUBEBUILDER_ASSETS")
    if [ -n "$missing" ]; then
        while read -r name; do
            say "KUBEBUILDER_ASSETS is set, but $KUBEBUILDER_ASSETS/$name is missing or not executable"
        done <<<"$missing"
        exit 1
    fi
    (cd "$KUBEBUILDER_ASSETS" && pwd)
    exit 0
fi

cd "$(dirname "${BASH_SOURCE[0]}")"

for tool in go flock sha256sum; do
    command -v "$tool" >/dev/null || { say "$tool is needed to build the control plane, and is not in PATH"; exit 1; }
done

# The caller's Go settings must not change what comes out, since the digest does not see them.
unset GOOS GOARCH
export GOWORK=off GOFLAGS=-buildvcs=false CGO_ENABLED=0

# Outside cargo's target folder, so that `cargo clean` does not cost ten minutes.
digest=$({ cat go.mod go.sum build.sh; go version; } | sha256sum | cut -c1-16)
cache=${BINDGUARD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}}/bindguard/control-plane
folder=$cache/$digest

if [ -z "$(missing_in "$folder")" ]; then
    printf '%s\n' "$folder"
    exit 0
fi

mkdir -p "$folder"
exec 9>"$folder/.lock"
if ! flock --nonblock 9; then
    say "another build is under way in $folder; waiting for it"
    flock 9
fi
rm -f "$folder"/.partial-*

version_of() { sed -n "s|^\t$1 \(v[^ ]*\).*|\1|p" go.mod; }

kubernetes=$(version_of k8s.io/kubernetes)
helm=$(version_of helm.sh/helm/v4)
minor=${kubernetes#v*.}
minor=${minor%%.*}

# A server built without these calls itself v0.0.0, and clients then misjudge what it can do.
kubernetes_flags=
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    kubernetes_flags+=" -X $package.gitVersion=$kubernetes -X $package.gitMajor=1 -X $package.gitMinor=$minor"
done
helm_flags="-X helm.sh/helm/v4/internal/version.version=$helm"

build() {
    local name=$1 package=$2 flags=$3 started=$SECONDS
    [ -x "$folder/$name" ] && return
    say "building $name (the first time takes minutes)"
    # A binary gets its name only when it is whole, so an interrupted build is never taken for one.
    # The lock is not handed down: a helper that go leaves behind would keep it.
    go build -trimpath -ldflags "-s -w $flags" -o "$folder/.partial-$name" "$package" 9>&- >&2
    mv "$folder/.partial-$name" "$folder/$name"
    say "built $name in $((SECONDS - started)) s"
}

build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver "$kubernetes_flags"
build etcd go.etcd.io/etcd/server/v3 ""
build kubectl k8s.io/kubernetes/cmd/kubectl "$kubernetes_flags"
build kube-controller-manager k8s.io/kubernetes/cmd/kube-controller-manager "$kubernetes_flags"
build helm helm.sh/helm/v4/cmd/helm "$helm_flags"

printf '%s\n' "$folder"
