#!/usr/bin/env bash
# npm run test:openstack: runs tests of OpenStack's tempest against our eapi, those that its interop guideline requires of what is there, and
# fails when something fails that passed before (docs/openstack-suite.txt). Its last line is a sum.
#
#   scripts/test-openstack.sh [--guests] [--if-given] [--write] [--only PATTERN] [FOLDER]
#
# --guests: the tests of servers alone, with real guests in place of libvirt's test driver, which tempest logs in to by ssh; their list is
# docs/openstack-suite-guests.txt. It needs root.
#
# The list and its runner are not here: FOLDER, or $OPENSTACK_SUITE, or ../shared/openstack-suite has required.txt and run.sh; tempest is
# Debian's. --if-given: without the folder there is nothing to do, and nothing wrong. --write: what passes is what is expected from now on.
# --only: of the tests, those whose names have the pattern. $KEEP names a folder for the logs.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
source scripts/setup/packages.sh
source scripts/setup/apt.sh
source scripts/openstack-suite/cloud.sh
source scripts/openstack-suite/tempest-conf.sh

say() {
  echo "test:openstack: $*" >&2
}

fail() {
  say "$*"
  exit 2
}

folder=${OPENSTACK_SUITE:-$root/../shared/openstack-suite}
status_without_suite=2
is_writing=false
has_guests=false
only=
while [ $# -gt 0 ]; do
  case $1 in
    --if-given) status_without_suite=0 ;;
    --write) is_writing=true ;;
    --guests) has_guests=true ;;
    --only)
      only=$2
      shift
      ;;
    -*) fail "does not know '$1'; usage: scripts/test-openstack.sh [--guests] [--if-given] [--write] [--only PATTERN] [FOLDER]" ;;
    *) folder=$1 ;;
  esac
  shift
done

expected=docs/openstack-suite.txt
# What eapi has.
services='^tempest\.api\.(identity|image|compute|network\.test_versions|network\.test_security_groups_negative)\.'
if $has_guests; then
  expected=docs/openstack-suite-guests.txt
  services='^tempest\.api\.compute\.(servers|images)\.'
fi
if $is_writing && [ -n "$only" ]; then fail "--write is for all tests: leave --only out"; fi

if [ ! -f "$folder/run.sh" ]; then
  say "no suite in $folder: give a folder with required.txt and run.sh as argument or as OPENSTACK_SUITE"
  exit "$status_without_suite"
fi

if $has_guests && [ "$(id -u)" -ne 0 ]; then fail "guests and their networks need root: run this with sudo"; fi
groups=(openstack-suite)
missing=()
find_missing openstack-suite
command -v etcd > /dev/null || fail "there is no etcd: scripts/setup.sh installs it"
if [ "${#missing[@]}" -gt 0 ]; then install_missing; fi
npm run build --silent

work=$(mktemp -d)
pids=()
clean_up() {
  local index
  # The newest first: agents say farewell to etcd.
  for ((index = ${#pids[@]} - 1; index >= 0; index--)); do
    kill "${pids[index]}" 2> /dev/null || true
    wait "${pids[index]}" || true
  done
  if [ -n "${KEEP:-}" ]; then cp -r "$work/." "$KEEP"; fi
  rm -rf "$work"
}
trap clean_up EXIT

start_cloud
make_users
make_images
write_accounts > "$work/accounts.yaml"
write_tempest_conf > "$work/tempest.conf"
grep -E "$services" "$folder/required.txt" | grep -E -- "$only" > "$work/list"
# tempest keeps a list of its workspaces at home, and takes no name twice.
result=$(HOME=$work "${in_network[@]}" bash "$folder/run.sh" "$work" "$work/list") || true
grep '^failed ' <<< "$result" | sort > "$work/failed" || true
last=$(tail -n 1 <<< "$result")
[[ $last =~ ([0-9]+)\ passed ]] || fail "tempest did not run:"$'\n'"$result"$'\n'"$(tail -n 20 "$work/tempest.log")"
# What is skipped did not pass.
sed -n 's/^{[0-9]*} \(tempest[^ ]*\) .*\.\.\. ok$/\1/p' "$work/tempest.log" | sort -u > "$work/ok"
sort "$work/list" | comm -12 - "$work/ok" > "$work/passed"
if [ -n "$only" ]; then cat "$work/failed"; fi
if $is_writing; then
  cp "$work/passed" "$expected"
else
  lost=$(grep -E -- "$only" "$expected" | sort | comm -23 - "$work/passed") || true
  if [ -n "$lost" ]; then
    say "passed before, and not now:"$'\n'"$lost"
    exit 1
  fi
fi
echo "test:openstack: $last"
