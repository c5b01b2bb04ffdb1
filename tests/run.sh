#!/usr/bin/env bash
# Everything that CI checks, one suite after the other, and how long each took.
set -uo pipefail
cd "$(dirname "$0")/.."

cargo=${CARGO:-cargo}
taken=()
failed=0

suite() {
  local name=$1 begin=$SECONDS status=0
  shift
  printf '\n=== %s\n' "$name"
  "$@" || status=$?
  local result=ok
  if [ "$status" -ne 0 ]; then
    result=FAILED
    failed=1
  fi
  taken+=("$(printf '%-16s %5ds  %s' "$name" $((SECONDS - begin)) "$result")")
}

control_plane() {
  KUBEBUILDER_ASSETS=$(tests/control-plane/build.sh) && export KUBEBUILDER_ASSETS
}

cert_manager() {
  BINDGUARD_CERT_MANAGER=$(tests/cert-manager/build.sh) && export BINDGUARD_CERT_MANAGER &&
    "$cargo" test --locked --test install cert_manager -- --ignored
}

suite 'format' "$cargo" fmt --check
suite 'lints' "$cargo" clippy --locked --all-targets --quiet -- -D warnings
suite 'build tests' "$cargo" test --locked --no-run --quiet
suite 'unit' "$cargo" test --locked --lib --bins
suite 'architecture' "$cargo" test --locked --test architecture --test documentation
suite 'command line' "$cargo" test --locked --test command_line
suite 'release' "$cargo" test --locked --test release
suite 'manifests' "$cargo" test --locked --test manifests
suite 'server' "$cargo" test --locked --test server
suite 'control plane' control_plane
suite 'promtool' tests/promtool/build.sh
suite 'alerts' "$cargo" test --locked --test alerts
suite 'page' "$cargo" test --locked --test page
suite 'hardening' "$cargo" test --locked --test hardening
suite 'cluster' "$cargo" test --locked --test cluster
suite 'removal' "$cargo" test --locked --test removal
suite 'pages' "$cargo" test --locked --test pages
suite 'chart' "$cargo" test --locked --test chart
suite 'certificates' "$cargo" test --locked --test certificates
suite 'install' "$cargo" test --locked --test install
suite 'cert-manager' cert_manager
suite 'provisioning' "$cargo" test --locked --test provisioning
suite 'companions' "$cargo" test --locked --test companions
suite 'scan' "$cargo" test --locked --test scan
suite 'reports' "$cargo" test --locked --test reports
suite 'history' "$cargo" test --locked --test history
suite 'freshness' "$cargo" test --locked --test freshness
suite 'oracle' "$cargo" test --locked --test oracle
suite 'hostile' "$cargo" test --locked --test hostile

printf '\n=== what each suite took\n'
printf '%s\n' "${taken[@]}"
exit "$failed"
