#!/usr/bin/env bash
# What the tests generate, in larger numbers than CI has the time for. Each number may be set.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo=${CARGO:-cargo}
export PROPTEST_CASES=${PROPTEST_CASES:-2000000}
# Times 100,000 for the oracle, and 4,000 for each law.
export ORACLE_CASES=${ORACLE_CASES:-10}
export HOSTILE_MUTANTS=${HOSTILE_MUTANTS:-200000}
export HOSTILE_DAMAGED=${HOSTILE_DAMAGED:-200000}
export HOSTILE_DENIALS=${HOSTILE_DENIALS:-2000}
export HOSTILE_CARRIED_OUT=${HOSTILE_CARRIED_OUT:-500}
export FIX_CASES=${FIX_CASES:-100000}
export MATRIX_CASES=${MATRIX_CASES:-3600}
export EXPLAIN_CASES=${EXPLAIN_CASES:-10000}
export AGREE_CASES=${AGREE_CASES:-10000}
export SCAN_ROUNDS=${SCAN_ROUNDS:-100}

KUBEBUILDER_ASSETS=$(tests/control-plane/build.sh)
export KUBEBUILDER_ASSETS

"$cargo" test --locked --release --lib -- laws
"$cargo" test --locked --release --test oracle
"$cargo" test --locked --release --test manifests -- laws explain
"$cargo" test --locked --release --test hostile
"$cargo" test --locked --test provisioning -- --nocapture matrix::
"$cargo" test --locked --release --test cluster -- agreement
"$cargo" test --locked --test scan -- --nocapture
BINDGUARD_SOAK=1 "$cargo" test --locked --test freshness --test install --test companions -- --nocapture
image/check.sh
