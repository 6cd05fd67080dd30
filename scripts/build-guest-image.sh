#!/usr/bin/env bash
# Builds the tiny guest: a raw disk of some 18 MiB that boots by BIOS to an address in about two seconds without KVM.
# It holds Debian's cloud kernel, a busybox and the virtio drivers, nothing else. See scripts/guest/ for what it does.
#
#   scripts/build-guest-image.sh OUTPUT
#
# Packages are downloaded and unpacked into a temporary folder, never installed; root is not needed.
set -euo pipefail

output=${1:?usage: build-guest-image.sh OUTPUT}
recipe=$(cd "$(dirname "${BASH_SOURCE[0]}")/guest" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "build-guest-image: $*" >&2
  exit 1
}

# Debian's cloud kernel carries few drivers; Ubuntu has none by that name, and keeps its modules in a package of their own.
kernel_packages() {
  local meta
  for meta in linux-image-cloud-amd64 linux-image-virtual; do
    apt-cache show "$meta" > /dev/null 2>&1 || continue
    apt-cache depends "$meta" | sed -n 's/^ *Depends: \(linux-\(image\|modules\)-[0-9].*\)$/\1/p'
    apt-cache depends "$meta" | sed -n 's/^ *Depends: linux-image-\([0-9].*\)$/linux-modules-\1/p' |
      while read -r name; do if apt-cache show "$name" > /dev/null 2>&1; then echo "$name"; fi; done
    return
  done
}

unpack_packages() {
  local kernels
  kernels=$(kernel_packages)
  [ -n "$kernels" ] || fail "apt knows no kernel package (linux-image-cloud-amd64): run apt-get update"
  # shellcheck disable=SC2086 # one word per package
  (cd "$work" && apt-get download -q $kernels busybox-static syslinux syslinux-common mtools lz4 > download.log 2>&1) ||
    fail "could not download packages: $(cat "$work/download.log")"
  local package
  for package in "$work"/*.deb; do dpkg -x "$package" "$work/unpacked"; done
  # Unpacked tools come before the host's; mtools is what syslinux writes with.
  PATH="$work/unpacked/usr/bin:$work/unpacked/bin:$PATH"
}

# The drivers by name, wherever this kernel keeps them; those that are built in have no file, and init skips them.
copy_modules() {
  local name file
  for name in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net \
    button evdev virtio_blk pvpanic pvpanic-mmio; do
    file=$(find "$work/unpacked" -name "$name.ko*" -path '*/kernel/*' | head -n 1)
    case $file in
      '') ;;
      *.zst) zstd -q -d "$file" -o "$1/$name.ko" ;;
      *.xz) xz -d -c "$file" > "$1/$name.ko" ;;
      *) cp "$file" "$1/$name.ko" ;;
    esac
  done
}

make_initramfs() {
  local root=$work/root
  mkdir -p "$root"/{bin,sbin,dev,proc,sys,etc,run,tmp,mnt,lib/modules}
  cp "$(find "$work/unpacked" -path '*/bin/busybox' -type f)" "$root/bin/busybox"
  install -m 755 "$recipe/init" "$root/init"
  install -m 755 "$recipe/dhcp-event" "$root/lib/dhcp-event"
  copy_modules "$root/lib/modules"
  # -l: the old frame format is the only one that the kernel reads.
  (cd "$root" && find . | "$root/bin/busybox" cpio -o -H newc 2> /dev/null) | lz4 -l -9 -q - "$work/initrd"
}

little_endian() {
  printf '%08x' "$1" | sed 's/\(..\)\(..\)\(..\)\(..\)/\\x\4\\x\3\\x\2\\x\1/'
}

# A master boot record with one active FAT16 partition that starts at 1 MiB and holds syslinux, kernel and initramfs.
make_disk() {
  local kernel part=$work/part sectors first=2048
  kernel=$(find "$work/unpacked/boot" -name 'vmlinuz-*' | head -n 1)
  [ -f "$kernel" ] || fail "the kernel package holds no boot/vmlinuz-*"
  sectors=$((($(stat -c %s "$kernel") + $(stat -c %s "$work/initrd")) / 512 / 2048 * 2048 + 3 * 2048))
  # Clusters of 32 KiB: with 4 KiB, the BIOS reads in small pieces and takes half a second longer.
  mformat -C -i "$part" -T "$sectors" -h 64 -s 32 -c 64 -H "$first" -v GUEST ::
  grep -v '^#' "$recipe/kernel-arguments" | tr '\n' ' ' |
    sed 's/^/SERIAL 0 115200\nDEFAULT linux\nPROMPT 0\nTIMEOUT 0\nLABEL linux\n KERNEL linux\n INITRD initrd\n APPEND /' > "$work/syslinux.cfg"
  mcopy -i "$part" "$kernel" ::linux
  mcopy -i "$part" "$work/initrd" ::initrd
  mcopy -i "$part" "$work/syslinux.cfg" ::syslinux.cfg
  syslinux --install "$part"

  local disk=$work/disk
  truncate -s $((first * 512 + sectors * 512)) "$disk"
  head -c 440 "$work/unpacked/usr/lib/syslinux/mbr/mbr.bin" | dd of="$disk" conv=notrunc status=none
  # 0x80 active, type 0x0e FAT16 by block address; the old cylinder fields say "beyond".
  printf '%b' "\x80\xfe\xff\xff\x0e\xfe\xff\xff$(little_endian $first)$(little_endian "$sectors")" |
    dd of="$disk" bs=1 seek=446 conv=notrunc status=none
  printf '\x55\xaa' | dd of="$disk" bs=1 seek=510 conv=notrunc status=none
  dd if="$part" of="$disk" bs=1M seek=1 conv=notrunc status=none
  mv "$disk" "$output"
}

[ "$(uname -m)" = x86_64 ] || fail "the guest is built for x86_64 only, this machine is $(uname -m)"
command -v apt-get > /dev/null || fail "needs apt-get (Debian or Ubuntu)"
unpack_packages
make_initramfs
make_disk
