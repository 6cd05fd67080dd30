#!/usr/bin/env bash
# npm run test:docker: proves docker/compose.yaml with a real Docker daemon.
#
# Where the machine's daemon answers and can pull, it is used, with a compose project, ports and volumes of the test's
# own. Otherwise (Debian or Ubuntu, as root) a private daemon is started and the images are built from the
# distribution's packages: see test/docker/. Everything is removed at the end, also after a failure or Ctrl-C.
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$repo/test/docker/progress.sh"
source "$repo/test/docker/private-daemon.sh"
source "$repo/scripts/setup/apt-sources.sh"
source "$repo/test/docker/base-image.sh"
source "$repo/test/docker/compose-stack.sh"
source "$repo/test/docker/services.sh"
source "$repo/test/docker/host.sh"

# A run that was killed could not remove its folder; its processes died with it.
for left in "${TMPDIR:-/tmp}"/ecd.*; do
  if [ -e "$left/owner" ] && has_ended "$(cat "$left/owner")"; then rm -rf "$left"; fi
done
work=$(mktemp -d "${TMPDIR:-/tmp}/ecd.XXXXXX")
echo $$ > "$work/owner"
# qemu, which runs as a user of its own, opens guests' disks below it.
chmod 0711 "$work"

# A signal may come while a function's output goes to a log; what is said at the end must not.
exec 3>&1 4>&2

clean_up() {
  local status=$?
  exec >&3 2>&4
  trap - EXIT
  trap '' INT TERM
  set +e
  case $status in
    0) ;;
    130 | 143) echo "docker: interrupted, cleaning up" >&2 ;;
    *) show_failure "$work" ;;
  esac
  stop_host
  stop_compose_stack
  stop_private_daemon
  rm -rf "$work"
  if [ "$status" -eq 0 ]; then
    stage "cleaned up"
    echo "docker: passed in $SECONDS s"
  else
    echo "docker: FAILED after $SECONDS s with exit code $status" >&2
  fi
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

bash "$repo/scripts/setup.sh"
export COMPOSE_PROFILES=eapi,eplacement,openstack
choose_daemon "$work"
stage "daemon: $DAEMON_DESCRIPTION"

export COMPOSE_PROJECT_NAME=etcd-compute-test-$$
export BIND_ADDRESS=$CONTAINER_ADDRESS
export ETCD_HEALTH_USER=health:health
start_compose_stack "$work"
stage "compose up: etcd, eapi, eplacement and Placement are healthy ($(describe_versions))"

check_settings
stage "settings: compaction, quota, microversion and the network of the database are as compose.yaml says"

check_authentication
stage "authentication: etcd's health check works with a user that may do nothing, who is refused the rest"

check_kept_alive_connection "$PLACEMENT_PORT" 1000
check_kept_alive_connection "$EPLACEMENT_PORT" 1000
stage "Placement and eplacement each answered 1000 requests on one connection"

check_api
stage "eapi has a first user, who logs in"

start_hypervisor
prepare_host
count_in_placement
start_agent
stage "an ecompute outside of the containers reports to etcd and Placement"

boot_guest one
stage "eschedule booted a guest, which answers at $ADDRESS"
FIRST=$INSTANCE

write_markers
{ compose down && compose up --detach; } > "$work/down-up.log" 2>&1 || fail "compose could not go down and up again"
wait_for_healthy
check_markers
check_guest one "$FIRST"
stage "compose down and up: instance, allocation and running guest are still there"

destroy_guest one "$FIRST"
stage "eschedule destroyed it; etcd, Placement, libvirt and the host's disk have nothing of it"

boot_guest two
destroy_guest two "$INSTANCE"
stop_agent
stage "the same agent booted and destroyed another one, and ended on SIGTERM"

count_in_etcd
start_agent
boot_guest three
check_guest three "$INSTANCE"
destroy_guest three "$INSTANCE"
stop_agent
stage "with room counted in etcd, eplacement shows what a guest holds, and that it holds nothing when it is destroyed"
