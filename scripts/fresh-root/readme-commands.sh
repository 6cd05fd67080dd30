#!/usr/bin/env bash
# Runs the README's commands on the fresh machine, and checks that each leaves nothing behind.
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/survey.sh"

before=$(survey | sort)

expect_nothing_left() {
  local left
  left=$(comm -13 <(echo "$before") <(survey | sort))
  [ -n "$left" ] || return 0
  echo "test:fresh: $1 left behind:"$'\n'"$left" >&2
  exit 1
}

npm run demo
npm run demo -- status
npm run demo -- down
expect_nothing_left "the demo"
npm test
expect_nothing_left "npm test"
