# Makes the root file system. Sourced by scripts/fresh-root.sh.

# Where the clone is in it.
readonly clone=/srv/etcd-compute

make_root() {
  local root=$1 release sources
  release=$(. /etc/os-release && echo "$ID ${VERSION_CODENAME:-}")
  [[ $release == debian\ ?* ]] || fail "makes a Debian from this machine's package sources, and this machine is not a Debian: $release"
  sources=$(list_apt_sources | sed 's/^/deb /')
  [ -n "$sources" ] || fail "apt knows no package source of Debian: apt-get indextargets lists none; see /etc/apt/sources.list.d"
  # How packages are fetched here: proxies, certificates, tries.
  apt-config dump Acquire | grep -E '^Acquire::(https?|Retries|ForceIPv|Check-|Languages)' > "$work/apt.conf" || true
  # git and certificates are what the README's reader has used to get the clone. Nothing has to survive a power cut.
  mmdebstrap --quiet --mode=root --variant=minbase --include=ca-certificates,git \
    --aptopt="$work/apt.conf" --dpkgopt=force-unsafe-io "${release#debian }" "$root" - <<< "$sources" > "$work/mmdebstrap.log" 2>&1 ||
    fail "could not make a root file system; mmdebstrap says:"$'\n'"$(tail -n 15 "$work/mmdebstrap.log")"
  copy_network_settings "$root"
  copy_node "$root"
  git clone --quiet --no-hardlinks "$repo" "$root$clone"
  [ -z "$(git -C "$repo" status --porcelain)" ] || echo "fresh-root: changes that are not committed are not in the clone" >&2
}

copy_network_settings() {
  local root=$1 file
  # slirp4netns answers there, and asks this machine's resolvers.
  echo 'nameserver 10.0.2.3' > "$root/etc/resolv.conf"
  cp /etc/hosts "$root/etc/hosts"
  # A machine behind a proxy trusts more than Debian does.
  rm -rf "$root/etc/ssl/certs"
  cp -rL /etc/ssl/certs "$root/etc/ssl/certs"
  for file in "${NODE_EXTRA_CA_CERTS:-}" "${SSL_CERT_FILE:-}"; do
    [ -z "$file" ] || install -D -m 644 "$file" "$root$file"
  done
}

# This machine's, whichever way they were installed.
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
    fail "this machine's node or npm does not run where only Debian's minimum is; those of nodejs.org do: $(cat "$work/npm.log")"
}
