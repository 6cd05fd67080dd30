#!/usr/bin/env bash
# npm run test:placement: runs OpenStack Placement's own functional suite against our server, several files side by side, and fails when
# something fails that passed before (docs/placement-suite.txt). Its last line is a sum.
#
#   scripts/test-placement.sh [--store memory|etcd] [--if-given] [--write] [FOLDER]
#
# The suite is OpenStack's and not here: FOLDER, or $PLACEMENT_SUITE, or ../shared/placement-suite has run.py and openstack-placement/.
# --if-given: without it there is nothing to do, and nothing wrong. --write: what passes is what is expected from now on.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
source scripts/setup/packages.sh
source scripts/setup/apt.sh

readonly FILES_AT_ONCE=3

say() {
  echo "test:placement: $*" >&2
}

fail() {
  say "$*"
  exit 2
}

# One for all servers: each has a prefix of its own.
start_etcd() {
  local port
  port=$(find_port)
  etcd_url=http://127.0.0.1:$port
  etcd --name suite --data-dir "$work/etcd" \
    --listen-client-urls "$etcd_url" --advertise-client-urls "$etcd_url" \
    --listen-peer-urls "http://127.0.0.1:$(find_port)" > "$work/etcd.log" 2>&1 &
  etcd_pid=$!
  for _ in $(seq 100); do
    curl -sf "$etcd_url/health" > /dev/null && return
    sleep 0.1
  done
  fail "etcd does not answer; the end of its log:"$'\n'"$(tail -n 5 "$work/etcd.log")"
}

find_port() {
  node -e "require('node:net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port); this.close(); })"
}

folder=${PLACEMENT_SUITE:-$root/../shared/placement-suite}
store=memory
status_without_suite=2
write=()
while [ $# -gt 0 ]; do
  case $1 in
    --store)
      [[ ${2:-} =~ ^(memory|etcd)$ ]] || fail "--store knows memory and etcd, not '${2:-}'"
      store=$2
      shift
      ;;
    --if-given) status_without_suite=0 ;;
    --write) write=(--write) ;;
    -*) fail "does not know '$1'; usage: scripts/test-placement.sh [--store memory|etcd] [--if-given] [--write] [FOLDER]" ;;
    *) folder=$1 ;;
  esac
  shift
done

if [ ! -f "$folder/run.py" ]; then
  say "no suite in $folder: give a folder with run.py and openstack-placement/ (OpenStack Placement's functional tests) as argument or as PLACEMENT_SUITE"
  exit "$status_without_suite"
fi

groups=(placement-suite)
missing=()
find_missing placement-suite
command -v etcd > /dev/null || [ "$store" != etcd ] || fail "there is no etcd: scripts/setup.sh installs it"
if [ "${#missing[@]}" -gt 0 ]; then install_missing; fi
npx tsc -b packages/placement

work=$(mktemp -d)
results=$work/results
mkdir "$results"
etcd_pid=
clean_up() {
  [ -z "$etcd_pid" ] || kill "$etcd_pid"
  rm -rf "$work"
}
trap clean_up EXIT

launcher="node $root/packages/placement/dist/bin/suite-server.js --store $store"
if [ "$store" = etcd ]; then
  start_etcd
  launcher+=" --etcd $etcd_url"
fi
# The largest first, so none is left alone at the end. A failed test is no failure yet: it is compared below.
ls -S "$folder"/openstack-placement/placement/tests/functional/gabbits/*.yaml | xargs -n 1 basename -s .yaml |
  xargs -P "$(nproc)" -n "$FILES_AT_ONCE" bash -c \
    'out=$1 folder=$2 launcher=$3; shift 3; /usr/bin/python3 test/placement-suite/run-files.py "$folder" "$launcher" "$@" > "$out/$1" 2>&1 || true' \
    run-files "$results" "$folder" "$launcher"
grep -hv ' 0 bad$\| passed, ' "$results"/* >&2 || true
/usr/bin/python3 test/placement-suite/compare.py "${write[@]}" "$folder" docs/placement-suite.txt "$results"/*
