# Runs a command in the root file system, and removes everything. Sourced by scripts/fresh-root.sh.

machine=
network=

# Whoever holds the lock is at work in the folder; so are all processes that it has started.
lock_work() {
  exec 9> "$work/lock"
  flock 9
}

# A run that was killed could not remove its folder; its processes died with it.
remove_what_was_left() {
  local left
  for left in "$work_prefix".*; do
    if [ -e "$left/lock" ] && flock --nonblock "$left/lock" true; then rm -rf --one-file-system "$left"; fi
  done
}

# start_machine ROOT COMMAND...: sets `machine` to the process to wait for.
start_machine() {
  local root=$1 name environment
  shift
  environment=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8)
  # How packages are fetched, and what programs look at when they write.
  for name in CI TERM NODE_EXTRA_CA_CERTS SSL_CERT_FILE {http,https,no}_proxy {HTTP,HTTPS,NO}_PROXY ${!npm_config_*}; do
    [ -z "${!name:-}" ] || environment+=("$name=${!name}")
  done
  # With job control, so that they do not ignore SIGINT, which everything inside would inherit.
  set -m
  setpriv --pdeathsig KILL unshare --net --mount --pid --fork --kill-child \
    env --ignore-environment "${environment[@]}" bash "$scripts/fresh-root/init.sh" "$root" "$clone" "$@" < /dev/null &
  machine=$!
  # It can be told which network to lead out as soon as there is another one than ours.
  until [ "$(readlink "/proc/$machine/ns/net")" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.05; done
  setpriv --pdeathsig KILL slirp4netns --configure --mtu=65520 --disable-host-loopback "$machine" tap0 \
    < /dev/null > "$work/slirp4netns.log" 2>&1 &
  network=$!
  set +m
}

# The machine's network may be what failed; and what the tests have logged goes with the machine.
explain_failure() {
  local from=$1$clone/.cache/test-results
  kill -0 "$network" 2> /dev/null || echo "fresh-root: slirp4netns has ended: $(cat "$work/slirp4netns.log")" >&2
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
    # The first process is gone only when all others are.
    while [ -n "$init" ] && kill -0 $init; do sleep 0.05; done
  fi 2> /dev/null
  rm -rf --one-file-system "$work"
}
