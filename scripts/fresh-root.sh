#!/usr/bin/env bash
# Runs a command in a fresh clone of this repository, on a machine that has nothing but Debian's minimum, Node, npm and git: what setup
# forgets to install is missing there, whatever this machine has.
#
#   scripts/fresh-root.sh COMMAND...
#
# The root file system is made anew each time, of this machine's release and from its package sources. It has process, mount and network
# namespaces of its own; slirp4netns leads its network out. Nothing is left of it, also after Ctrl-C. The exit code is the command's.
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

[ $# -gt 0 ] || fail "needs a command; usage: scripts/fresh-root.sh COMMAND..."
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo > /dev/null || fail "needs root for namespaces, and there is no sudo: run it as root"
  exec sudo env "PATH=$PATH" CI="${CI:-}" bash "$0" "$@"
fi
bash "$scripts/setup.sh" --only fresh

# Not in /tmp, which may be in memory: the guests' disks are in it.
readonly work_prefix=/var/tmp/etcd-compute-fresh
remove_what_was_left
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
