#!/usr/bin/env bash
# Runs a command in a fresh clone of this repository, in a root file system that holds only minimal Debian, Node, npm and git. Whatever
# scripts/setup.sh forgets to install is missing there.
#
#   scripts/fresh-root.sh COMMAND...
#
# Each run builds a new root file system of this machine's Debian release, and enters it with its own process, mount and network
# namespaces; slirp4netns connects that network to the outside. Everything is removed at the end, even after Ctrl-C. The exit code is
# the command's.
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
scripts=$repo/scripts
source "$scripts/setup/apt-sources.sh"
source "$scripts/fresh-root/make-root.sh"
source "$scripts/fresh-root/machine.sh"

fail() {
  echo "fresh-root: $*" >&2
  exit 1
}

# How packages are fetched, and what programs check before they write in colour.
readonly kept_variables=(CI TERM NODE_EXTRA_CA_CERTS SSL_CERT_FILE {http,https,no}_proxy {HTTP,HTTPS,NO}_PROXY)

[ $# -gt 0 ] || fail "needs a command; usage: scripts/fresh-root.sh COMMAND..."
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo > /dev/null || fail "needs root for namespaces, and there is no sudo: run it as root"
  kept=$(IFS=, && echo "${kept_variables[*]}")
  exec sudo --preserve-env="$kept" env "PATH=$PATH" "npm_config_userconfig=$(npm config get userconfig)" bash "$0" "$@"
fi
bash "$scripts/setup.sh" --only fresh

# Not /tmp, which may be in memory and too small for guests' disks.
readonly work_prefix=/var/tmp/etcd-compute-fresh
remove_stale_work
work=$(mktemp -d "$work_prefix.XXXXXX")
lock_work
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

make_root "$work/root"
start_machine "$work/root" "$@"
status=0
wait "$machine" || status=$?
[ "$status" -eq 0 ] || explain_failure "$work/root"
exit "$status"
