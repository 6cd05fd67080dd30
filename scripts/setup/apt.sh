# Installing Debian packages without touching the host's services.

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

check_can_install() {
  command -v apt-get > /dev/null ||
    fail "this is not Debian or Ubuntu, and ${missing[*]} cannot be installed here; README.md says what to run instead (docker compose for etcd and Placement, libvirt.uri test:///default as hypervisor)"
  [ "$(id -u)" -eq 0 ] || command -v sudo > /dev/null ||
    fail "installing ${missing[*]} needs root, and there is no sudo: run it as root, or install them first"
}

install_missing() {
  check_can_install
  say "installing ${missing[*]}"
  local log=$root/.cache/apt.log
  mkdir -p "$root/.cache"
  as_root bash "$root/scripts/setup/install-quietly.sh" "${missing[@]}" > "$log" 2>&1 ||
    fail "could not install ${missing[*]}; the end of $log:"$'\n'"$(tail -n 15 "$log")"
  local before=("${missing[@]}")
  missing=()
  for group in "${groups[@]}"; do find_missing "$group" 2> /dev/null; done
  [ "${#missing[@]}" -eq 0 ] || fail "installed ${before[*]}, but ${missing[*]} still do not bring what is needed; see $log"
}

# Some packages are downloaded without being installed, the tiny guest's and a fresh root's, and apt has to know them.
update_lists() {
  command -v apt-get > /dev/null || return 0
  compgen -G '/var/lib/apt/lists/*_Packages*' > /dev/null && return
  say "apt knows no packages yet: apt-get update"
  check_can_install
  as_root apt-get update -q > /dev/null || fail "apt-get update failed"
}
