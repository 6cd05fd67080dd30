# Runs a command in the root file system, and cleans up. Sourced by scripts/fresh-root.sh.

machine=
network=

# This process and all its children hold the lock for as long as they live.
lock_work() {
  exec 9> "$work/lock"
  flock 9
}

# Folders of runs that were killed with SIGKILL.
remove_stale_work() {
  local folder
  for folder in "$work_prefix".*; do
    if [ -e "$folder/lock" ] && flock --nonblock "$folder/lock" true; then rm -rf --one-file-system "$folder"; fi
  done
}

# start_machine ROOT COMMAND...: sets `machine` to the pid to wait for.
start_machine() {
  local root=$1 name environment
  shift
  environment=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8)
  for name in "${kept_variables[@]}"; do
    [ -z "${!name:-}" ] || environment+=("$name=${!name}")
  done
  # Without job control, background processes ignore SIGINT, and everything inside would inherit that.
  set -m
  setpriv --pdeathsig KILL unshare --net --mount --pid --fork --kill-child \
    env --ignore-environment "${environment[@]}" bash "$scripts/fresh-root/init.sh" "$root" "$clone" "$@" < /dev/null &
  machine=$!
  # slirp4netns needs the new network namespace.
  until [ "$(readlink "/proc/$machine/ns/net")" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.05; done
  setpriv --pdeathsig KILL slirp4netns --configure --mtu=65520 --disable-host-loopback "$machine" tap0 \
    < /dev/null > "$work/slirp4netns.log" 2>&1 &
  network=$!
  set +m
}

# Says if the network broke, and saves the tests' results and logs from removal.
explain_failure() {
  local from=$1$clone/.cache/test-results
  kill -0 "$network" 2> /dev/null || echo "fresh-root: slirp4netns exited: $(cat "$work/slirp4netns.log")" >&2
  [ -d "$from" ] || return 0
  mkdir -p "$repo/.cache"
  rm -rf "$repo/.cache/test-results"
  cp -r "$from" "$repo/.cache/test-results"
}

clean_up() {
  local init=
  trap - EXIT
  trap '' INT TERM HUP
  set +e
  if [ -n "$machine" ]; then
    init=$(cat "/proc/$machine/task/$machine/children" 2> /dev/null)
    kill -KILL "$machine" $network
    wait "$machine" $network
    # Process 1 goes last.
    while [ -n "$init" ] && kill -0 $init; do sleep 0.05; done
  fi 2> /dev/null
  rm -rf --one-file-system "$work"
}
