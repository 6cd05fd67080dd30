# A host outside of the containers: an ecompute on a private libvirtd, and eschedule. Sourced, not run.
#
# Both programs use configs/ as they are; what differs here comes from the environment, as it may.

HYPERVISOR_PID=
AGENT_PID=

start_hypervisor() {
  setpriv --pdeathsig TERM node "$repo/test/docker/hypervisor.mjs" "$work/libvirt" "$repo/.cache" \
    > "$work/hypervisor.json" 2> "$work/hypervisor.log" &
  HYPERVISOR_PID=$!
  wait_until "the hypervisor and the guest's image are ready" 300 hypervisor_is_ready || fail "the private libvirtd did not start"
  LIBVIRT_URI=$(member uri < "$work/hypervisor.json")
  IMAGE_URL=$(member image < "$work/hypervisor.json")
}

hypervisor_is_ready() {
  tail -3 "$work/hypervisor.log"
  has_ended "$HYPERVISOR_PID" && return 2
  [ -s "$work/hypervisor.json" ]
}

# The environment of both programs: where this run's etcd, Placement and libvirtd are.
prepare_host() {
  mkdir -p "$work/host/state"
  cp "$repo/configs/compute.yaml" "$repo/configs/schedule.yaml" "$work/host/"
  local program
  for program in ECOMPUTE ESCHEDULE; do
    export "${program}_ETCD__HOST=$CONTAINER_ADDRESS" "${program}_ETCD__PORT=$ETCD_PORT"
  done
  export ECOMPUTE_IMAGES__ALLOW_PRIVATE="[127.0.0.1]"
  # The agent is not in the network of its libvirtd, where the packet filter would have to be.
  export ECOMPUTE_NETWORK__FILTER=none
  export ECOMPUTE_STATE_DIR="$work/host/state" ECOMPUTE_LIBVIRT__URI="$LIBVIRT_URI" ECOMPUTE_NAME=docker-test-host
}

# What counts room from now on. PLACEMENT_API is where its API is served.
count_in_placement() {
  PLACEMENT_API=http://$CONTAINER_ADDRESS:$PLACEMENT_PORT
  export "ECOMPUTE_PLACEMENT={endpoint: '$PLACEMENT_API'}" "ESCHEDULE_PLACEMENT={endpoint: '$PLACEMENT_API'}"
}

count_in_etcd() {
  PLACEMENT_API=http://$CONTAINER_ADDRESS:$EPLACEMENT_PORT
  export ECOMPUTE_PLACEMENT=etcd ESCHEDULE_PLACEMENT=etcd
}

start_agent() {
  (cd "$work/host" && exec setpriv --pdeathsig TERM "$repo/packages/agent/bin/ecompute.js") > "$work/ecompute.log" 2>&1 &
  AGENT_PID=$!
  wait_until "eschedule hosts shows the agent as up" 60 host_is_up || fail "the agent did not report"
}

# SIGTERM, and an exit code of 0, or the test fails.
stop_agent() {
  [ -n "$AGENT_PID" ] || return 0
  local pid=$AGENT_PID
  AGENT_PID=
  kill -TERM "$pid"
  wait "$pid" || fail "ecompute ended with exit code $? after SIGTERM"
}

stop_host() {
  local pid
  for pid in $AGENT_PID $HYPERVISOR_PID; do
    kill -TERM "$pid" 2> /dev/null
    wait "$pid" 2> /dev/null
  done
  AGENT_PID= HYPERVISOR_PID=
}

eschedule() {
  (cd "$work/host" && "$repo/packages/scheduler/bin/eschedule.cjs" "$@")
}

# member PATH: prints that member of the JSON on stdin, as text; nothing when it is not there.
member() {
  node -e '
    let text = ""
    process.stdin.on("data", (chunk) => (text += chunk))
    process.stdin.on("end", () => {
      const value = process.argv[1].split(".").reduce((inner, key) => inner?.[key], JSON.parse(text))
      if (value !== undefined && value !== null) console.log(typeof value === "object" ? JSON.stringify(value) : value)
    })' "$1"
}

host_is_up() {
  local state
  state=$(eschedule hosts -o json | member 0.state)
  echo "host: ${state:-none}"
  [ "$state" = up ]
}

# boot_guest NAME: sets INSTANCE and ADDRESS.
boot_guest() {
  eschedule boot --name "$1" --memory 128M --disk 1 --image "$IMAGE_URL" --wait --timeout 180 -o json > "$work/boot-$1.json" 2> "$work/boot-$1.log" ||
    fail "eschedule boot --name $1 failed with exit code $?"
  INSTANCE=$(member instance < "$work/boot-$1.json")
  wait_until "$1 has an address" 120 has_address "$1" || fail "$1 got no address"
  ADDRESS=$(eschedule "$INSTANCE")
  ping_guest || fail "$1 does not answer at $ADDRESS"
}

has_address() {
  local address
  address=$(eschedule show "$1" -o json | member addresses.0.address)
  echo "address: ${address:-none}"
  [ -n "$address" ]
}

# From the network of the private libvirtd, which is where its guests are.
ping_guest() {
  # shellcheck disable=SC2046  # a list of words
  wait_until "$ADDRESS answers" 30 $(member enter < "$work/hypervisor.json") ping -c 1 -W 2 "$ADDRESS"
}

# check_guest NAME INSTANCE: listed as active, with an allocation and a running domain.
check_guest() {
  local listed allocations
  wait_until "$1 is listed as active" 60 is_active "$1" || fail "$1 is not active any more"
  listed=$(eschedule list -o json | member 0.instance)
  [ "$listed" = "$2" ] || fail "eschedule list shows '$listed' and not $2"
  allocations=$(placement "$PLACEMENT_API" GET "/allocations/$2" | member allocations)
  [[ $allocations == *'"VCPU":1'* ]] || fail "Placement has no allocation of $1: $allocations"
  [ "$(pgrep --count --full "guest=$2")" -eq 1 ] || fail "not one qemu runs $1, but $(pgrep --count --full "guest=$2")"
}

is_active() {
  local state
  state=$(eschedule show "$1" -o json | member state)
  echo "state: ${state:-none}"
  [ "$state" = active ]
}

# destroy_guest NAME INSTANCE: and nothing of it is left in etcd, Placement, libvirt or on disk.
destroy_guest() {
  local left
  eschedule destroy "$1" --wait > "$work/destroy-$1.log" 2>&1 || fail "eschedule destroy $1 failed with exit code $?"
  left=$(in_etcd get --prefix --keys-only / | grep -E "^/(hosts/.*|booted)/$2" || true)
  [ -z "$left" ] || fail "etcd still has $left after the destroy"
  left=$(placement "$PLACEMENT_API" GET "/allocations/$2" | member allocations)
  [ "$left" = "{}" ] || fail "Placement still has allocations of $1: $left"
  left=$(pgrep --full "guest=$2" || true)
  [ -z "$left" ] || fail "qemu still runs $1, as process $left"
  left=$(find "$work/host/state" -name "*$2*")
  [ -z "$left" ] || fail "the host's folder still has $left after the destroy"
}
