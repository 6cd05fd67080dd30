# A Debian (or Ubuntu) base image made with debootstrap, for a machine that cannot pull one. Sourced, not run.
#
# The image carries a package archive in a folder, with every package that the images on top of it install, and has it
# as its only apt source. So `apt-get update && apt-get install` in a Dockerfile works there as written, with no network
# in the build. The packages come from this machine's own apt sources.

# What docker/placement, test/docker/etcd and test/docker/database install.
BASE_IMAGE_PACKAGES="python3-placement python3-psycopg2 uwsgi-core uwsgi-plugin-python3 etcd-server etcd-client postgresql"

# make_base_image_tar CACHE_DIR: prints the path of the image's tar file, made when it is not there yet.
# The name holds a digest of this recipe and of the sources, so a change of either makes a new one.
make_base_image_tar() {
  local cache_dir=$1 codename key tar work mirror
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  key=$({ list_apt_sources; cat "${BASH_SOURCE[0]}"; } | sha256sum | cut -c1-12)
  tar=$cache_dir/docker-base-$codename-$key.tar
  if [ ! -e "$tar" ]; then
    mkdir -p "$cache_dir"
    mirror=$(list_apt_sources | awk -v codename="$codename" '$2 == codename { print $1; exit }')
    if [ -z "$mirror" ]; then
      echo "could not find this machine's mirror of $codename: apt-get indextargets lists none" >&2
      return 1
    fi
    work=$(mktemp -d)
    fill_base_root "$work/root" "$codename" "$mirror" > "$work/log" 2>&1 ||
      { echo "could not make the base image $tar:" >&2; tail -30 "$work/log" >&2; rm -rf "$work"; return 1; }
    tar --create --file "$work/tar" --directory "$work/root" .
    mv "$work/tar" "$tar.$$"
    rm -f "$cache_dir"/docker-base-*.tar
    mv "$tar.$$" "$tar"
    rm -rf "$work"
  fi
  echo "$tar"
}

fill_base_root() {
  local root=$1 codename=$2 mirror=$3
  debootstrap --variant=minbase "$codename" "$root" "$mirror" || return 1

  # As the official images have it: a package's installation starts no service, and does not wait for the disk.
  printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  echo force-unsafe-io > "$root/etc/dpkg/dpkg.cfg.d/unsafe-io"

  cp /etc/resolv.conf "$root/etc/resolv.conf"
  list_apt_sources | awk '{ print "deb", $1, $2, $3 }' > "$root/etc/apt/sources.list"
  chroot "$root" apt-get update || return 1
  # shellcheck disable=SC2086  # a list of words
  chroot "$root" apt-get install --yes --no-install-recommends --download-only $BASE_IMAGE_PACKAGES || return 1

  mkdir "$root/opt/packages"
  mv "$root"/var/cache/apt/archives/*.deb "$root/opt/packages/"
  (cd "$root/opt/packages" && dpkg-scanpackages --multiversion . > Packages) || return 1
  echo 'deb [trusted=yes] file:/opt/packages ./' > "$root/etc/apt/sources.list"
  rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin
}
