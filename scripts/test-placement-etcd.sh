#!/usr/bin/env bash
# npm run test:placement-etcd: the integration tests that need to know free room, in a cloud whose etcd counts it (`placement: etcd`).
# `npm test` runs all of them with a Placement service, and a few of them this way too. Arguments are handed to vitest.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh
npm run --silent build
[ $# -gt 0 ] || set -- test/integration chaos
TEST_PLACEMENT=etcd exec node node_modules/vitest/vitest.mjs run --project integration "$@"
