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

# Tests with real processes share two processors with each other. Some files that fail together may pass alone: they are run once
# more, one by one, and the sum names what needed it. When more fail than this, it is not the machine.
max_again=3

# usage: run_vitest REPORT COMMAND-PREFIX... -- VITEST-ARGUMENT...
run_vitest() {
  local report=$1 prefix=()
  shift
  while [ "$1" != -- ]; do
    prefix+=("$1")
    shift
  done
  shift
  "${prefix[@]}" node node_modules/vitest/vitest.mjs run --reporter=default --reporter=json --outputFile.json="$report" "$@"
}

# usage: run_tiers NAME COMMAND-PREFIX... -- VITEST-ARGUMENT...
run_tiers() {
  local name=$1 report=$results/$1.json failed=()
  shift
  echo "== tests: $name"
  if run_vitest "$report" "$@"; then return; fi
  if [ -e "$report" ]; then mapfile -t failed < <(node scripts/list-failed-files.mjs "$report"); fi
  if [ "${#failed[@]}" -eq 0 ] || [ "${#failed[@]}" -gt "$max_again" ]; then
    is_passed=false
    return
  fi
  echo "== tests: $name, once more what failed: ${failed[*]}"
  run_vitest "$results/$name-again.json" "$@" --no-file-parallelism "${failed[@]}" || is_passed=false
}

run_check
run_tiers fast env -- --project unit --project binding --project integration "$@"
# Guests and their networks need root. sudo keeps only what the tests look at.
if [ "$(id -u)" -eq 0 ]; then
  run_tiers e2e env -- --project e2e "$@"
else
  run_tiers e2e sudo --preserve-env=ETCD_COMPUTE_TEST_LOGS env "PATH=$PATH" -- --project e2e "$@"
fi

is_first_try() { ! compgen -G "$results/*-again.json" > /dev/null; }
if "$is_passed" && is_first_try; then rm -rf "$results/logs"; else echo "the logs of what ran are in $results/logs" >&2; fi
node scripts/count-tests.mjs "$results" fast e2e || is_passed=false
"$is_passed"
