# What the test says while it runs, and how it waits. Sourced, not run.

STAGE_STARTED=0

# stage TEXT: says what has just been done, and how long that took.
stage() {
  printf '[%4d s, +%3d s] %s\n' "$SECONDS" "$((SECONDS - STAGE_STARTED))" "$1"
  STAGE_STARTED=$SECONDS
}

# fail TEXT: ends the test. The text says what was expected and what was there.
fail() {
  echo "docker: $1" >&2
  exit 1
}

# wait_until WHAT SECONDS COMMAND...: runs the command until it succeeds. When it does not in time, or exits with 2 (there is
# nothing to wait for any more), its last words say why.
wait_until() {
  local what=$1 deadline=$((SECONDS + $2)) last status
  shift 2
  while :; do
    status=0
    last=$("$@" 2>&1) || status=$?
    [ "$status" -ne 0 ] || return 0
    if [ "$status" -eq 2 ] || [ "$SECONDS" -ge "$deadline" ]; then
      echo "docker: gave up waiting until $what: ${last:-$* failed without a word}" >&2
      return 1
    fi
    sleep 0.2
  done
}

# wait_for_all PID...: fails when one of these children of this shell did.
wait_for_all() {
  local pid failed=0
  for pid in "$@"; do
    wait "$pid" || failed=1
  done
  return "$failed"
}

# show_failure DIR: the ends of all logs in the folder and of the containers.
show_failure() {
  local log
  for log in "$1"/*.log; do
    [ -e "$log" ] || continue
    echo "--- ${log##*/}" >&2
    tail -40 "$log" >&2
  done
  [ -z "${COMPOSE_PROJECT_NAME:-}" ] || compose logs --tail=40 >&2 || true
}
