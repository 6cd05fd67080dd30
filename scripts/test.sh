#!/usr/bin/env bash
# npm test: sets up what is missing, checks the code, runs all tiers of tests. Its last line is a sum that a CI reads; its exit
# code is the truth. Arguments are handed to vitest, for example a part of a file's name.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh

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

# usage: run_tiers NAME COMMAND-PREFIX... -- VITEST-ARGUMENT...
run_tiers() {
  local name=$1 prefix=()
  shift
  while [ "$1" != -- ]; do
    prefix+=("$1")
    shift
  done
  shift
  echo "== tests: $name"
  "${prefix[@]}" node node_modules/vitest/vitest.mjs run \
    --reporter=default --reporter=json --outputFile.json="$results/$name.json" "$@" || is_passed=false
}

run_check
run_tiers fast env -- --project unit --project binding --project integration "$@"
# Guests and their networks need root. sudo keeps only what the tests look at.
if [ "$(id -u)" -eq 0 ]; then
  run_tiers e2e env -- --project e2e "$@"
else
  run_tiers e2e sudo --preserve-env=ETCD_COMPUTE_TEST_LOGS env "PATH=$PATH" -- --project e2e "$@"
fi

if "$is_passed"; then rm -rf "$results/logs"; else echo "the logs of what ran are in $results/logs" >&2; fi
node scripts/count-tests.mjs "$results" fast e2e || is_passed=false
"$is_passed"
