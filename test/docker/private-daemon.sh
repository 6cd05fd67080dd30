# A Docker daemon of the test's own, for a machine that has none or whose daemon cannot pull. Sourced, not run.
#
# It lives in its own network, mount and process-id namespaces: its bridges, firewall rules and mounts are not this
# machine's, and all its processes end with the first one, which ends with the script that started it, however that ends.
# A veth pair leads in, so that published ports can be reached from outside.
#
#   start_private_daemon DIR   sets DOCKER_HOST, CONTAINER_ADDRESS (where ports are published) and HOST_ADDRESS
#   stop_private_daemon        repeatable

PRIVATE_DAEMON_PID=

# The first subnet of 198.18.0.0/15 (meant for tests, never routed) that no interface here uses, as its first three numbers.
find_free_subnet() {
  local third
  for third in $(seq "$((RANDOM % 128))" 255); do
    if [ -z "$(ip -o -4 address show to "198.18.$third.0/24")" ]; then
      echo "198.18.$third"
      return
    fi
  done
  echo "could not find a free network in 198.18.0.0/16 for the private Docker daemon" >&2
  return 1
}

start_private_daemon() {
  local dir=$1 subnet link
  mkdir -p "$dir"
  subnet=$(find_free_subnet)
  HOST_ADDRESS=$subnet.1
  CONTAINER_ADDRESS=$subnet.2
  # A socket's path may have 107 characters; a temporary folder's can be longer, so it is checked and not just tried.
  export DOCKER_HOST="unix://$dir/docker.sock"
  if [ "${#dir}" -gt 90 ]; then
    echo "could not start dockerd in $dir: the path is too long for a socket; set TMPDIR to a shorter one" >&2
    return 1
  fi

  # iptables' lock file is shared by the machine: a /run of its own keeps the daemon from waiting for others.
  setpriv --pdeathsig KILL unshare --net --mount --propagation private --pid --fork --kill-child --mount-proc \
    sh -c 'mount -t tmpfs tmpfs /run && ip link set lo up && exec dockerd "$@"' dockerd \
    --host "$DOCKER_HOST" --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/dockerd.pid" \
    --cgroup-parent "/etcd-compute-test-$$" --log-level warn \
    > "$dir/dockerd.log" 2>&1 &
  PRIVATE_DAEMON_PID=$!

  wait_until "the private dockerd answers" 60 docker version || { tail -20 "$dir/dockerd.log" >&2; return 1; }

  link=ecd$(($$ % 100000))
  # The daemon's namespaces belong to unshare's child, not to unshare.
  ip link add "${link}h" type veth peer name "${link}c" netns "$(pgrep --parent "$PRIVATE_DAEMON_PID")"
  ip address add "$HOST_ADDRESS/24" dev "${link}h"
  ip link set "${link}h" up
  nsenter --net --target "$(pgrep --parent "$PRIVATE_DAEMON_PID")" sh -c "
    ip address add '$CONTAINER_ADDRESS/24' dev '${link}c' && ip link set '${link}c' up && ip route add default via '$HOST_ADDRESS'"
}

stop_private_daemon() {
  [ -n "$PRIVATE_DAEMON_PID" ] || return 0
  # dockerd first, so that containers end in order; unshare itself ignores SIGTERM.
  pkill -TERM --parent "$PRIVATE_DAEMON_PID" 2> /dev/null || true
  wait_until "the private dockerd has ended" 30 has_ended "$PRIVATE_DAEMON_PID" || kill -KILL "$PRIVATE_DAEMON_PID" 2> /dev/null || true
  wait "$PRIVATE_DAEMON_PID" 2> /dev/null || true
  PRIVATE_DAEMON_PID=
  remove_private_cgroups
}

# Control groups outlive their processes, so those of a test that was killed go too; one in use refuses to be removed.
remove_private_cgroups() {
  find /sys/fs/cgroup -depth -type d -path '*/etcd-compute-test-*' -exec rmdir {} + 2> /dev/null || true
}

has_ended() {
  ! kill -0 "$1" 2> /dev/null
}
