# What the test asks of etcd and of Placement, from outside of the containers. Sourced, not run.

MARKER_UUID=6f1d2d04-6a3b-4f0e-9d3a-5b1d3c6f0a51

in_etcd() {
  docker exec "$(compose ps --quiet etcd)" etcdctl "$@"
}

# placement URL METHOD PATH [BODY]: prints the answer's body; fails on a status of 400 and up.
placement() {
  curl --silent --show-error --fail-with-body --max-time 30 --request "$2" \
    --header 'X-Auth-Token: admin' --header 'OpenStack-API-Version: placement 1.39' --header 'Content-Type: application/json' \
    ${4:+--data "$4"} "$1$3"
}

# The URLs of both.
list_placements() {
  local port
  for port in "$PLACEMENT_PORT" "$EPLACEMENT_PORT"; do echo "http://$CONTAINER_ADDRESS:$port"; done
}

describe_versions() {
  echo "$(in_etcd version | head -1), $(docker exec "$(compose ps --quiet database)" psql --version)"
}

check_settings() {
  local command answer url
  command=$(docker inspect --format '{{json .Args}}' "$(compose ps --quiet etcd)")
  for answer in --auto-compaction-mode=periodic --auto-compaction-retention=1h --quota-backend-bytes=1073741824; do
    [[ $command == *"$answer"* ]] || fail "etcd runs without $answer: $command"
  done

  for url in $(list_placements); do
    answer=$(placement "$url" GET / | member versions.0.max_version)
    [ "$answer" = 1.39 ] || fail "the newest microversion at $url is not 1.39: $answer"
  done

  # PostgreSQL is Placement's alone: nothing is published.
  answer=$(docker port "$(compose ps --quiet database)")
  [ -z "$answer" ] || fail "the database's port is published: $answer"
}

# With authentication on, the health check must go on working with a user that may do nothing else.
check_authentication() {
  local user answer
  for user in root health; do
    in_etcd user add "$user:$user" > /dev/null
    in_etcd role add "$user" > /dev/null
  done
  in_etcd user grant-role root root > /dev/null
  in_etcd auth enable > /dev/null
  # By ETCD_HEALTH_USER, as compose has put it into the check.
  docker inspect --format '{{join .Config.Healthcheck.Test " "}}' "$(compose ps --quiet etcd)" | grep -q -- '--user=health:health endpoint health' ||
    fail "etcd's health check is by nobody, in spite of ETCD_HEALTH_USER"
  in_etcd --user=health:health endpoint health > /dev/null 2>&1 || fail "etcd's health check fails with authentication on"
  if answer=$(in_etcd --user=health:health get / --prefix 2>&1); then
    fail "an etcd user without rights could read: $answer"
  fi
  if answer=$(in_etcd get / --prefix 2>&1); then
    fail "etcd answered a stranger with authentication on: $answer"
  fi
  in_etcd --user=root:root auth disable > /dev/null
  for user in root health; do
    in_etcd user delete "$user" > /dev/null
    in_etcd role delete "$user" > /dev/null
  done
}

# check_kept_alive_connection PORT COUNT: that many requests on one connection; any reset or reconnect fails.
check_kept_alive_connection() {
  node "$repo/test/docker/keep-alive.mjs" "http://$CONTAINER_ADDRESS:$1" "$2" || fail "the Placement at port $1 did not keep a connection alive"
}

# The first user is made as README.md says, and logs in with what clouds.yaml then holds.
check_api() {
  local password
  compose exec -T eapi sh -c '/usr/local/lib/eapi/bin/eapi.js bootstrap --clouds /tmp/clouds.yaml >&2 && cat /tmp/clouds.yaml' \
    > "$work/clouds.yaml" 2> "$work/bootstrap.log" || fail "eapi bootstrap failed: $(cat "$work/bootstrap.log")"
  grep -q "auth_url: $EAPI_PUBLIC_URL/identity/v3" "$work/clouds.yaml" || fail "clouds.yaml does not name $EAPI_PUBLIC_URL"
  password=$(awk '$1 == "password:" { print $2 }' "$work/clouds.yaml")
  curl --silent --show-error --fail-with-body --output /dev/null "$EAPI_PUBLIC_URL/identity/v3/auth/tokens" --data "{\"auth\": {
    \"identity\": {\"methods\": [\"password\"], \"password\": {\"user\": {\"name\": \"admin\", \"domain\": {\"id\": \"default\"}, \"password\": \"$password\"}}},
    \"scope\": {\"project\": {\"name\": \"admin\", \"domain\": {\"id\": \"default\"}}}}}" || fail "the first user of eapi cannot log in"
}

write_markers() {
  local url
  in_etcd put /marker kept > /dev/null
  for url in $(list_placements); do
    placement "$url" POST /resource_providers "{\"uuid\": \"$MARKER_UUID\", \"name\": \"marker\"}" > /dev/null
  done
}

check_markers() {
  local value url
  value=$(in_etcd get --print-value-only /marker)
  [ "$value" = kept ] || fail "etcd's key /marker was 'kept' before compose down and is '$value' after up"
  in_etcd del /marker > /dev/null
  for url in $(list_placements); do
    placement "$url" GET "/resource_providers/$MARKER_UUID" > /dev/null || fail "the provider $MARKER_UUID of $url is gone after compose down and up"
    placement "$url" DELETE "/resource_providers/$MARKER_UUID"
  done
}
