#!/usr/bin/env bash
# Sets this clone up for `npm test` and `npm run demo`: installs what is missing, and only that, then builds.
#
#   scripts/setup.sh [--with docker|guests|openstack-client|s3] [--without openstack] [--no-build]
#   scripts/setup.sh --only fresh                          only the packages that scripts/fresh-root.sh needs
#
# It says what it installs and why, asks for nothing, and neither starts nor enables a service of the host. When all is there, it takes
# less than two seconds.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
source scripts/setup/packages.sh
source scripts/setup/apt.sh
source scripts/setup/workspace.sh

say() {
  echo "setup: $*" >&2
}

fail() {
  say "$*"
  exit 1
}

groups=(base)
is_openstack_wanted=true
is_clone_wanted=true
is_build_wanted=true
while [ $# -gt 0 ]; do
  case $1 in
    --with)
      [[ ${2:-} =~ ^(docker|guests|openstack-client|s3)$ ]] || fail "--with knows docker, guests, openstack-client and s3, not '${2:-}'"
      groups+=("$2")
      shift 2
      ;;
    --without)
      [ "${2:-}" = openstack ] || fail "--without knows one group, openstack, not '${2:-}'"
      is_openstack_wanted=false
      shift 2
      ;;
    --only)
      [ "${2:-}" = fresh ] || fail "--only knows one group, fresh, not '${2:-}'"
      groups=(fresh)
      is_openstack_wanted=false
      is_clone_wanted=false
      shift 2
      ;;
    --no-build)
      is_build_wanted=false
      shift
      ;;
    *) fail "does not know '$1'; usage: scripts/setup.sh [--with docker|guests|openstack-client|s3] [--without openstack] [--no-build], or --only fresh" ;;
  esac
done

if "$is_openstack_wanted"; then groups+=(openstack); fi

check_node
missing=()
for group in "${groups[@]}"; do find_missing "$group"; done
if [ "${#missing[@]}" -gt 0 ]; then install_missing; fi
update_lists
"$is_clone_wanted" || exit 0
install_dependencies
if "$is_build_wanted"; then build; fi
