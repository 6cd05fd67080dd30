# Node, the npm packages and the build.

readonly OLDEST_NODE=20.19

check_node() {
  command -v node > /dev/null || fail "needs Node >= $OLDEST_NODE and npm, and there is no node in PATH: see https://nodejs.org"
  local version
  version=$(node --version)
  printf '%s\n' "$OLDEST_NODE" "${version#v}" | sort --version-sort --check=quiet ||
    fail "needs Node >= $OLDEST_NODE, and $(command -v node) is $version: see https://nodejs.org"
  command -v npm > /dev/null || fail "needs npm, which comes with Node; there is none in PATH"
}

# When the lock file or Node has changed since the last time.
install_dependencies() {
  local stamp=node_modules/.etcd-compute-setup state
  state="$(cksum < pnpm-lock.yaml) $(node --version)"
  [ "$(cat "$stamp" 2> /dev/null)" = "$state" ] && return
  say "installing the npm packages of pnpm-lock.yaml"
  mkdir -p .cache
  npx -y pnpm@10 install --frozen-lockfile --reporter=append-only > .cache/pnpm.log 2>&1 ||
    fail "pnpm install failed; the end of .cache/pnpm.log:"$'\n'"$(tail -n 15 .cache/pnpm.log)"
  echo "$state" > "$stamp"
}

# When a source file, or a folder that lost or got one, is newer than the last build.
build() {
  local stamp=node_modules/.etcd-compute-build sources
  sources=$(find packages/*/src packages/*/*.{json,mjs} demo/src bench/src tsconfig*.json package.json pnpm-lock.yaml \
    -newer "$stamp" -print -quit 2> /dev/null || echo unknown)
  if [ -e "$stamp" ] && [ -z "$sources" ] && [ -d packages/testing/dist ]; then return; fi
  say "building"
  touch "$stamp.started"
  npm run --silent build >&2 || fail "the build failed"
  mv "$stamp.started" "$stamp"
}
