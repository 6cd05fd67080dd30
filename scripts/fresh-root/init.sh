#!/usr/bin/env bash
# init.sh ROOT CLONE COMMAND...: process 1 of the fresh machine. Moves into the root file system, runs the command in the clone, and reaps.
set -euo pipefail

root=$1 clone=$2
shift 2

mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
# Of this network namespace, and without the host's cgroups.
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir -p "$root/run/lock" "$root/old"
# Not chroot: who enters a mount namespace that is made inside, as the tests do, gets that namespace's root.
cd "$root"
pivot_root . old
umount --lazy /old
rmdir /old

# A default route shows that slirp4netns is there.
for _ in {1..300}; do
  grep --quiet $'^tap0\t00000000\t' /proc/net/route && break
  sleep 0.1
done
grep --quiet $'^tap0\t00000000\t' /proc/net/route || { echo "fresh-root: slirp4netns has made no network in 30 s" >&2; exit 1; }

cd "$clone"
status=0
# Not as the last thing that bash does, which would become the command: somebody has to reap.
"$@" || status=$?
exit "$status"
