#!/usr/bin/env bash
# init.sh ROOT CLONE COMMAND...: process 1 of the fresh machine. Enters the root file system, runs the command in the clone, and reaps.
set -euo pipefail

root=$1 clone=$2
shift 2

mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
# A new sysfs shows this network namespace, and none of the host's cgroups.
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir -p "$root/run/lock" "$root/old"
# Not chroot: the tests create mount namespaces and enter them with nsenter, which goes to the root of the namespace.
cd "$root"
pivot_root . old
umount --lazy /old
rmdir /old

# slirp4netns is ready once there is a default route.
for _ in {1..300}; do
  has_route=$(grep --count $'^tap0\t00000000\t' /proc/net/route) && break
  sleep 0.1
done
[ "$has_route" -gt 0 ] || { echo "fresh-root: slirp4netns has set up no network within 30 s" >&2; exit 1; }

cd "$clone"
status=0
# As its last command, bash would replace itself with it, and nobody would reap.
"$@" || status=$?
exit "$status"
