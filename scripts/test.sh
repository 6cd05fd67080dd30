#!/usr/bin/env bash
# npm test: sets up what is missing, checks the code, runs all tiers of tests. Its last line is a sum that a CI reads; its exit
# code is the truth. Arguments are handed to vitest, for example a part of a file's name.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh --with openstack-client --with s3

results=.cache/test-results
rm -rf "$results"
mkdir -p "$results"
# The fixtures' logs, kept only when something fails.
export ETCD_COMPUTE_TEST_LOGS=$PWD/$results/logs
is_passed=true

# A part of a file's name may match in one tier only; without one, a tier without tests is an error.
if [ $# -gt 0 ]; then set -- --passWithNoTests "$@"; fi

run_check() {
  echo "== check: types, lint, format, dead code"
  if npm run --silent check; then return; fi
  is_passed=false
  touch "$results/check-failed"
}

# usage: run_tier NAME VITEST-COMMAND...
run_tier() {
  local name=$1
  shift
  echo "== tests: $name"
  "$@" --outputFile.json="$results/$name.json" || is_passed=false
}

vitest=(node node_modules/vitest/vitest.mjs run --reporter=default --reporter=json)
# Guests and their networks need root. sudo keeps only what the tests look at.
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo --preserve-env=ETCD_COMPUTE_TEST_LOGS,OPENSTACK_SUITE env "PATH=$PATH")

# Where it matters most who counts what is free. `npm run test:placement-etcd` runs all.
counting=(
  test/integration/instances/{faults,steps,shelve,resize}
  test/integration/eschedule/{boot,count,destroy,retries}
  test/integration/audits/allocations
  test/integration/agent/wrong-servers
  test/integration/etcd
  test/integration/scale/call-budget
  chaos/test/chaos
)

# OpenStack's tests of Placement, where somebody has put them beside this repository.
run_placement_suite() {
  echo "== tests: OpenStack's functional suite for Placement"
  bash scripts/test-placement.sh --store etcd --if-given && return
  is_passed=false
  touch "$results/placement-suite-failed"
}

# What its interop guideline requires, by tempest; and some of the servers' tests again, with real guests.
run_openstack_suite() {
  echo "== tests: OpenStack's tempest"
  local some='test_create_server\.|test_server_actions\.|test_images_oneserver\.'
  bash scripts/test-openstack.sh --if-given &&
    "${as_root[@]}" bash scripts/test-openstack.sh --guests --if-given --only "$some" && return
  is_passed=false
  touch "$results/openstack-suite-failed"
}

tiers=(fast e2e)
run_check
run_tier fast "${vitest[@]}" --project unit --project binding --project integration "$@"
run_tier e2e "${as_root[@]}" "${vitest[@]}" --project e2e "$@"
if [ $# -eq 0 ]; then
  run_tier counting env TEST_PLACEMENT=etcd "${vitest[@]}" --project integration "${counting[@]}"
  tiers+=(counting)
  run_placement_suite
  run_openstack_suite
fi

if "$is_passed"; then rm -rf "$results/logs"; else echo "the logs of what ran are in $results/logs" >&2; fi
node scripts/count-tests.mjs "$results" "${tiers[@]}" || is_passed=false
"$is_passed"
