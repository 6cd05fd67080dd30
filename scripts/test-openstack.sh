#!/usr/bin/env bash
# npm run test:openstack: runs tests of OpenStack's tempest against our eapi, those that its interop guideline requires of what is there, and
# fails when something fails that passed before (docs/openstack-suite.txt). Its last line is a sum.
#
#   scripts/test-openstack.sh [--if-given] [--write] [--only PATTERN] [FOLDER]
#
# The list and its runner are not here: FOLDER, or $OPENSTACK_SUITE, or ../shared/openstack-suite has required.txt and run.sh; tempest is
# Debian's. --if-given: without the folder there is nothing to do, and nothing wrong. --write: what passes is what is expected from now on.
# --only: those tests whose names have the pattern, to look at; nothing is compared or written. $KEEP names a folder for the logs.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
source scripts/setup/packages.sh
source scripts/setup/apt.sh

readonly expected=docs/openstack-suite.txt
# What eapi has.
readonly services='^tempest\.api\.(identity|image|compute|network\.test_versions|network\.test_security_groups_negative)\.'

say() {
  echo "test:openstack: $*" >&2
}

fail() {
  say "$*"
  exit 2
}

find_port() {
  node -e "require('node:net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port); this.close(); })"
}

# wait_for URL LOG
wait_for() {
  for _ in $(seq 300); do
    curl -sf "$1" > /dev/null && return
    sleep 0.1
  done
  fail "$1 does not answer; the end of its log:"$'\n'"$(tail -n 5 "$2")"
}

folder=${OPENSTACK_SUITE:-$root/../shared/openstack-suite}
status_without_suite=2
is_writing=false
only=
while [ $# -gt 0 ]; do
  case $1 in
    --if-given) status_without_suite=0 ;;
    --write) is_writing=true ;;
    --only)
      only=$2
      shift
      ;;
    -*) fail "does not know '$1'; usage: scripts/test-openstack.sh [--if-given] [--write] [--only PATTERN] [FOLDER]" ;;
    *) folder=$1 ;;
  esac
  shift
done

if [ ! -f "$folder/run.sh" ]; then
  say "no suite in $folder: give a folder with required.txt and run.sh as argument or as OPENSTACK_SUITE"
  exit "$status_without_suite"
fi

groups=(openstack-suite)
missing=()
find_missing openstack-suite
command -v etcd > /dev/null || fail "there is no etcd: scripts/setup.sh installs it"
if [ "${#missing[@]}" -gt 0 ]; then install_missing; fi
npm run build --silent

work=$(mktemp -d)
pids=()
clean_up() {
  for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done
  wait
  if [ -n "${KEEP:-}" ]; then cp -r "$work/." "$KEEP"; fi
  rm -rf "$work"
}
trap clean_up EXIT

etcd_port=$(find_port)
etcd --name suite --data-dir "$work/etcd" \
  --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
  --listen-peer-urls "http://127.0.0.1:$(find_port)" > "$work/etcd.log" 2>&1 &
pids+=($!)
wait_for "http://127.0.0.1:$etcd_port/health" "$work/etcd.log"

port=$(find_port)
cat > "$work/eapi.yaml" << EOF
etcd: {host: 127.0.0.1, port: $etcd_port}
listen: {port: $port}
images: {folder: $work/images}
EOF
packages/api/bin/eapi.js --config "$work/eapi.yaml" > "$work/eapi.log" 2>&1 &
pids+=($!)
wait_for "http://127.0.0.1:$port/healthz" "$work/eapi.log"
packages/api/bin/eapi.js bootstrap --config "$work/eapi.yaml" --clouds "$work/clouds.yaml" > /dev/null

# Two hosts on libvirt's test driver: a server is built there, and has no guest.
node scripts/start-agents.mjs "$etcd_port" 2 "$work/agents" > "$work/agents.log" 2>&1 &
pids+=($!)

# Two projects for each worker, as tempest wants them.
password=$(openssl rand -hex 16)
for n in 1 2 3 4; do
  for args in "project create tempest-$n" "user create --project tempest-$n --password $password tempest-$n" \
    "role add --user tempest-$n --project tempest-$n member"; do
    echo "$args"
  done
done > "$work/commands"
# The smallest disk that is one: an image is looked at when it comes.
{
  head -c 510 /dev/zero
  printf '\x55\xaa'
} > "$work/disk.raw"
echo "image create --public --disk-format raw --container-format bare --file $work/disk.raw tiny" >> "$work/commands"
for name in first second; do
  echo "image create --public --disk-format raw --container-format bare --file $work/disk.raw $name"
  echo "flavor create --id $name --ram $([ $name = first ] && echo 64 || echo 128) --disk 1 --vcpus 1 $name"
done >> "$work/commands"
OS_CLIENT_CONFIG_FILE=$work/clouds.yaml openstack --os-cloud admin < "$work/commands" > "$work/openstack.log" 2>&1 || fail "$(cat "$work/openstack.log")"
for n in 1 2 3 4; do
  echo "- {username: tempest-$n, project_name: tempest-$n, password: $password, domain_name: Default}"
done > "$work/accounts.yaml"

for _ in $(seq 600); do grep -q ready "$work/agents.log" && break || sleep 0.1; done
grep -q ready "$work/agents.log" || fail "no agents:"$'\n'"$(cat "$work/agents.log")"
image_of() {
  OS_CLIENT_CONFIG_FILE=$work/clouds.yaml openstack --os-cloud admin image show -f value -c id "$1"
}

cat > "$work/tempest.conf" << EOF
[DEFAULT]
log_dir = $work
[oslo_concurrency]
lock_path = $work
[auth]
use_dynamic_credentials = false
test_accounts_file = $work/accounts.yaml
create_isolated_networks = false
[identity]
auth_version = v3
uri_v3 = http://127.0.0.1:$port/identity/v3
region = RegionOne
[identity-feature-enabled]
api_v2_admin = false
[image]
# What is uploaded here is random: of the formats that servers boot from it would be refused.
disk_formats = aki,ari
container_formats = aki,ari
[compute]
image_ref = $(image_of first)
image_ref_alt = $(image_of second)
flavor_ref = first
flavor_ref_alt = second
fixed_network_name = ecompute
min_microversion = 2.1
max_microversion = latest
build_interval = 1
[compute-feature-enabled]
resize = true
shelve = true
suspend = true
rescue = false
live_migration = false
cold_migration = false
config_drive = true
vnc_console = false
personality = false
# Older than it says: metadata can be written.
xenapi_apis = true
[validation]
run_validation = false
[network]
shared_physical_network = true
[service_available]
nova = true
glance = true
neutron = true
cinder = false
swift = false
horizon = false
EOF
grep -E "$services" "$folder/required.txt" | grep -E -- "$only" > "$work/list"
# tempest keeps a list of its workspaces at home, and takes no name twice.
result=$(HOME=$work bash "$folder/run.sh" "$work" "$work/list") || true
grep '^failed ' <<< "$result" | sort > "$work/failed" || true
# What did not pass is not on the list of what passes.
last=$(tail -n 1 <<< "$result")
[[ $last =~ ([0-9]+)\ passed ]] || fail "tempest did not run:"$'\n'"$result"$'\n'"$(tail -n 20 "$work/tempest.log")"
# What is skipped did not pass.
sed -n 's/^{[0-9]*} \(tempest[^ ]*\) .*\.\.\. ok$/\1/p' "$work/tempest.log" | sort -u > "$work/ok"
sort "$work/list" | comm -12 - "$work/ok" > "$work/passed"
if [ -n "$only" ]; then
  cat "$work/failed"
elif $is_writing; then
  cp "$work/passed" "$expected"
else
  lost=$(sort "$expected" | comm -23 - "$work/passed")
  if [ -n "$lost" ]; then
    say "passed before, and not now:"$'\n'"$lost"
    exit 1
  fi
fi
echo "test:openstack: $last"
