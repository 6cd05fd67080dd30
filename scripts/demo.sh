#!/usr/bin/env bash
# npm run demo [-- up|down|status] [--placement etcd|openstack]: a small cloud with a guest in it, on this machine. Sets up what is missing first.
set -euo pipefail

started_at=${EPOCHREALTIME/,/.} # some languages write a comma
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$root/demo/dist/demo.js

# The demo counts what is free in etcd, unless somebody wants to see OpenStack's Placement do it.
case " $* " in
  *" --placement openstack "* | *" --placement=openstack "*) groups=() ;;
  *) groups=(--without openstack) ;;
esac

# What is only to be looked at or removed was set up by the run that made it.
case " $* " in
  *" down "* | *" status "* | *" --help "*) [ -f "$program" ] || bash "$root/scripts/setup.sh" "${groups[@]}" ;;
  *) bash "$root/scripts/setup.sh" "${groups[@]}" ;;
esac

# Guests and their network need root. sudo asks for a password only where the machine's owner wants it to.
if [ "$(id -u)" = 0 ]; then
  exec node "$program" --started-at "$started_at" "$@"
fi
if ! command -v sudo > /dev/null; then
  echo "demo: needs root for guests and their network, and there is no sudo: run it as root" >&2
  exit 1
fi
exec sudo "$(command -v node)" "$program" --started-at "$started_at" "$@"
