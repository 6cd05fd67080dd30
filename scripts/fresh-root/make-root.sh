# Builds the root file system. Sourced by scripts/fresh-root.sh.

# The path of the clone inside it.
readonly clone=/srv/etcd-compute

make_root() {
  local root=$1 release sources
  release=$(. /etc/os-release && echo "$ID ${VERSION_CODENAME:-}")
  [[ $release == debian\ ?* ]] || fail "needs a machine that runs Debian, whose package sources it uses; this one runs $release"
  sources=$(list_apt_sources | sed 's/^/deb /')
  [ -n "$sources" ] || fail "apt knows no package source of Debian: apt-get indextargets lists none; see /etc/apt/sources.list.d"
  # This machine's proxies, certificates and retries.
  apt-config dump Acquire | grep -E '^Acquire::(https?|Retries|ForceIPv|Check-|Languages)' > "$work/apt.conf" || true
  # Whoever has a clone has git and certificates. Nothing here has to survive a power cut, so dpkg need not sync.
  mmdebstrap --quiet --mode=root --variant=minbase --include=ca-certificates,git \
    --aptopt="$work/apt.conf" --dpkgopt=force-unsafe-io "${release#debian }" "$root" - <<< "$sources" > "$work/mmdebstrap.log" 2>&1 ||
    fail "could not build the root file system; mmdebstrap says:"$'\n'"$(tail -n 15 "$work/mmdebstrap.log")"
  copy_network_settings "$root"
  copy_node "$root"
  git clone --quiet --no-hardlinks "$repo" "$root$clone"
  copy_suites "$root${clone%/*}/shared"
  [ -z "$(git -C "$repo" status --porcelain)" ] || echo "fresh-root: the clone lacks your uncommitted changes" >&2
}

# Tests of others that lie beside the repository.
copy_suites() {
  local name
  for name in placement-suite openstack-suite; do
    [ -d "$repo/../shared/$name" ] || continue
    mkdir -p "$1"
    cp -r "$repo/../shared/$name" "$1/"
  done
}

copy_network_settings() {
  local root=$1 file
  # The address of slirp4netns, which forwards to this machine's resolvers.
  echo 'nameserver 10.0.2.3' > "$root/etc/resolv.conf"
  cp /etc/hosts "$root/etc/hosts"
  # Behind a proxy, a machine often trusts more authorities than Debian does.
  rm -rf "$root/etc/ssl/certs"
  cp -rL /etc/ssl/certs "$root/etc/ssl/certs"
  for file in "${NODE_EXTRA_CA_CERTS:-}" "${SSL_CERT_FILE:-}"; do
    [ -z "$file" ] || install -D -m 644 "$file" "$root$file"
  done
}

# This machine's Node and npm, and npm's settings.
copy_node() {
  local root=$1 npm config
  npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  install -D "$(node -p process.execPath)" "$root/usr/local/bin/node"
  mkdir -p "$root/usr/local/lib/node_modules"
  cp -r "$npm" "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
  config=$(npm config get globalconfig 2> /dev/null)
  [ ! -f "$config" ] || install -D -m 644 "$config" "$root/usr/local/etc/npmrc"
  config=$(npm config get userconfig 2> /dev/null)
  [ ! -f "$config" ] || install -D -m 600 "$config" "$root/root/.npmrc"
  chroot "$root" npm --version > "$work/npm.log" 2>&1 ||
    fail "this machine's node or npm does not run on minimal Debian; use those from nodejs.org: $(cat "$work/npm.log")"
}
