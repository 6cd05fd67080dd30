# The cloud that tempest is run against: etcd, eapi, agents, users and images. For test-openstack.sh, which has $work, $pids and $has_guests.

find_port() {
  node -e "require('node:net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port); this.close(); })"
}

# wait_for URL LOG
wait_for() {
  for _ in $(seq 300); do
    curl -sf "$1" > /dev/null && return
    sleep 0.1
  done
  fail "$1 does not answer; the end of its log:"$'\n'"$(tail -n 5 "$2")"
}

# Sets $port, which eapi listens at, and $in_network, which goes before a command that is to reach guests.
start_cloud() {
  local etcd_port images_port
  etcd_port=$(find_port)
  etcd --name suite --data-dir "$work/etcd" \
    --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
    --listen-peer-urls "http://127.0.0.1:$(find_port)" > "$work/etcd.log" 2>&1 &
  pids+=($!)
  wait_for "http://127.0.0.1:$etcd_port/health" "$work/etcd.log"

  port=$(find_port)
  images_port=$(find_port)
  cat > "$work/eapi.yaml" << EOF
etcd: {host: 127.0.0.1, port: $etcd_port}
listen: {port: $port}
images: {folder: $work/images, listen: 127.0.0.1, port: $images_port, advertise: [127.0.0.1]}
EOF
  packages/api/bin/eapi.js --config "$work/eapi.yaml" > "$work/eapi.log" 2>&1 &
  pids+=($!)
  wait_for "http://127.0.0.1:$port/healthz" "$work/eapi.log"
  packages/api/bin/eapi.js bootstrap --config "$work/eapi.yaml" --clouds "$work/clouds.yaml" > /dev/null

  in_network=()
  if $has_guests; then
    # Guests run as another user, who must reach their disks.
    chmod 755 "$work"
    node scripts/start-agents.mjs "$etcd_port" "$work/agents" --guests "$port" "$images_port" > "$work/agents.log" 2>&1 &
  else
    node scripts/start-agents.mjs "$etcd_port" 2 "$work/agents" > "$work/agents.log" 2>&1 &
  fi
  pids+=($!)
  for _ in $(seq 600); do grep -q ^ready "$work/agents.log" && break || sleep 0.1; done
  grep -q ^ready "$work/agents.log" || fail "no agents:"$'\n'"$(cat "$work/agents.log")"
  if $has_guests; then in_network=(nsenter "--net=$(sed -n 's/^ready //p' "$work/agents.log")" --); fi
}

# Each line is a command of openstack.
run_openstack() {
  OS_CLIENT_CONFIG_FILE=$work/clouds.yaml openstack --os-cloud admin < "$1" > "$work/openstack.log" 2>&1 || fail "$(cat "$work/openstack.log")"
}

readonly password=$(openssl rand -hex 16)

# Two projects for each worker, as tempest wants them.
make_users() {
  local n
  for n in 1 2 3 4; do
    echo "project create tempest-$n"
    echo "user create --project tempest-$n --password $password tempest-$n"
    echo "role add --user tempest-$n --project tempest-$n member"
  done > "$work/users"
  run_openstack "$work/users"
}

write_accounts() {
  local n
  for n in 1 2 3 4; do
    echo "- {username: tempest-$n, project_name: tempest-$n, password: $password, domain_name: Default}"
  done
}

# Writes `first.raw`, `second.raw`, which is another one, and `tiny.raw`.
write_disks() {
  # The smallest disk that is one: an image is looked at when it comes.
  {
    head -c 510 /dev/zero
    printf '\x55\xaa'
  } > "$work/tiny.raw"
  if ! $has_guests; then
    cp "$work/tiny.raw" "$work/first.raw"
    cp "$work/tiny.raw" "$work/second.raw"
    return
  fi
  local build="import { buildGuestImage } from '@etcd-compute/testing/guest-image'; console.log((await buildGuestImage('.cache', 'ssh')).path)"
  cp "$(node --input-type=module -e "$build")" "$work/first.raw"
  cp "$work/first.raw" "$work/second.raw"
  truncate -s +1M "$work/second.raw"
}

make_images() {
  local name
  write_disks
  for name in tiny first second; do
    echo "image create --public --disk-format raw --container-format bare --file $work/$name.raw $name"
  done > "$work/images-made"
  echo "flavor create --id first --ram 128 --disk 1 --vcpus 1 first" >> "$work/images-made"
  echo "flavor create --id second --ram 192 --disk 2 --vcpus 2 second" >> "$work/images-made"
  run_openstack "$work/images-made"
}

image_of() {
  OS_CLIENT_CONFIG_FILE=$work/clouds.yaml openstack --os-cloud admin image show -f value -c id "$1"
}
