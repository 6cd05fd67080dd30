#!/usr/bin/env bash
# As root: installs the packages given, with no question and no service started or enabled. Debian's packages start their
# services, and enable them for the next boot; the tests and the demo start their own, so the host's should stay as they were.
set -euo pipefail

# Another clone may be running its setup.
exec 9> /run/lock/etcd-compute-setup.lock
flock 9

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  # What invoke-rc.d and systemd's helper ask before they start something; 101 means "not allowed".
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi

# Of what is asked for and what comes with it; a unit of some other new package is none of our business.
list_units() {
  find /lib/systemd/system /usr/lib/systemd/system -maxdepth 1 \( -name '*.service' -o -name '*.socket' -o -name '*.timer' \) \
    -printf '%f\n' 2> /dev/null | grep -E '^(etcd|placement|uwsgi|apache2|libvirt|virt|docker|containerd)' | sort -u || true
}

units_before=$(list_units)
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 NEEDRESTART_SUSPEND=1
apt-get update -q
# Wait for others who install packages, such as unattended-upgrades.
apt-get install -q --yes -o DPkg::Lock::Timeout=300 --no-install-recommends "$@"

if command -v systemctl > /dev/null; then
  comm -13 <(echo "$units_before") <(list_units) | while read -r unit; do
    systemctl disable --no-reload "$unit" || echo "could not disable $unit"
  done
fi
