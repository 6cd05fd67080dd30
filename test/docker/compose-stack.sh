# The compose stack under test: which daemon runs it, up, health, down. Sourced, not run.

COMPOSE_STACK_STARTED=

# The plugin where there is one, else Debian's docker-compose.
compose() {
  if docker compose version > /dev/null 2>&1; then
    docker compose --file "$repo/docker/compose.yaml" "$@"
  else
    # The daemon of Debian 12 has no BuildKit front end for docker-compose 1.29.
    COMPOSE_DOCKER_CLI_BUILD=0 docker-compose --file "$repo/docker/compose.yaml" "$@"
  fi
}

# choose_daemon DIR: sets CONTAINER_ADDRESS and DAEMON_DESCRIPTION, and the image variables where nothing can be pulled.
choose_daemon() {
  if can_pull; then
    CONTAINER_ADDRESS=127.0.0.1
    DAEMON_DESCRIPTION="this machine's, with the images that compose.yaml names"
    return
  fi
  [ "$(id -u)" -eq 0 ] || fail "this machine's Docker daemon cannot be used, and only root can start another: run it as root"
  bash "$repo/scripts/setup.sh" --with docker --no-build
  start_private_daemon "$1/daemon"
  use_stand_in_images
  DAEMON_DESCRIPTION="a private one ($(docker version --format '{{.Server.Version}}')), for images built from this distribution's packages"
}

# Whether the machine's daemon has, or can pull, the images that compose.yaml names.
can_pull() {
  local settings image
  docker info > /dev/null 2>&1 || return 1
  settings=$(compose config 2> /dev/null) || return 1
  for image in $(awk '$1 == "image:" || $1 == "BASE_IMAGE:" { print $2 }' <<< "$settings"); do
    docker image inspect "$image" > /dev/null 2>&1 || docker pull --quiet "$image" > /dev/null 2>&1 || return 1
  done
}

# Imports the base and says which images stand in for those of compose.yaml; build_images makes them.
use_stand_in_images() {
  docker import "$(make_base_image_tar "$repo/.cache")" etcd-compute-test/base > /dev/null
  export PLACEMENT_BASE_IMAGE=etcd-compute-test/base
  export ETCD_IMAGE=etcd-compute-test/etcd POSTGRES_IMAGE=etcd-compute-test/database NODE_IMAGE=etcd-compute-test/node
}

# The images of both Placements, and the stand-ins where there are some: as many at once as can be, since each mostly waits for the disk.
build_images() {
  local name pids=()
  if [ "${NODE_IMAGE:-}" = etcd-compute-test/node ]; then
    mkdir "$work/node"
    cp "$repo/test/docker/node/Dockerfile" "$(command -v node)" "$work/node/"
    docker build --build-arg BASE_IMAGE="$PLACEMENT_BASE_IMAGE" --tag "$NODE_IMAGE" "$work/node" > "$work/build-node.log" 2>&1 ||
      fail "could not build an image"
  fi
  compose build > "$work/build-placement.log" 2>&1 &
  pids+=($!)
  if [ "${ETCD_IMAGE:-}" = etcd-compute-test/etcd ]; then
    for name in etcd database; do
      docker build --build-arg BASE_IMAGE="$PLACEMENT_BASE_IMAGE" --tag "etcd-compute-test/$name" "$repo/test/docker/$name" \
        > "$work/build-$name.log" 2>&1 &
      pids+=($!)
    done
  fi
  wait_for_all "${pids[@]}" || fail "could not build an image"
  rm "$work"/build-*.log
}

start_compose_stack() {
  ETCD_PORT=$(find_free_port)
  PLACEMENT_PORT=$(find_free_port "$ETCD_PORT")
  EPLACEMENT_PORT=$(find_free_port "$ETCD_PORT" "$PLACEMENT_PORT")
  EAPI_PORT=$(find_free_port "$ETCD_PORT" "$PLACEMENT_PORT" "$EPLACEMENT_PORT")
  EAPI_PUBLIC_URL=http://$CONTAINER_ADDRESS:$EAPI_PORT
  export ETCD_PORT PLACEMENT_PORT EPLACEMENT_PORT EAPI_PORT EAPI_PUBLIC_URL
  COMPOSE_STACK_STARTED=yes
  build_images
  stage "images are built"
  compose up --detach > "$work/up.log" 2>&1 || fail "compose could not start"
  wait_for_healthy
}

stop_compose_stack() {
  [ -n "$COMPOSE_STACK_STARTED" ] || return 0
  compose down --volumes --rmi local --remove-orphans > /dev/null 2>&1
}

# Compose's own way to wait (up --wait) is not in 1.29.
wait_for_healthy() {
  local service
  for service in etcd database placement eplacement eapi; do
    wait_until "$service is healthy" 180 is_healthy "$service" || fail "$service did not become healthy"
  done
}

is_healthy() {
  local state
  state=$(docker inspect --format '{{.State.Status}}, {{.State.Health.Status}}' "$(compose ps --quiet "$1")")
  echo "$state"
  [ "$state" = "running, healthy" ]
}

# A port that nothing here listens on, and that is none of the given ones. Only for the published address.
find_free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 10000))
    if [[ " $* " != *" $port "* ]] && ! (exec 3<> "/dev/tcp/$CONTAINER_ADDRESS/$port") 2> /dev/null; then
      echo "$port"
      return
    fi
  done
}
