#!/usr/bin/env bash
# Builds the tiny guest: a raw disk of some 18 MiB that boots by BIOS to an address in about two seconds without KVM, and by UEFI.
# It holds Debian's cloud kernel, a busybox and the virtio drivers, nothing else. See scripts/guest/ for what it does.
#
#   scripts/build-guest-image.sh [--ssh] OUTPUT [amd64|arm64]
#
# --ssh: the guest also reads its config drive, lets in by ssh who has a key that is there, and runs user data that is a script. The ssh
# server is the host's dropbear, with its scp and the libraries that they need: such a guest is for the host's architecture.
#
# Packages are downloaded and unpacked into a temporary folder, never installed; root is not needed. One for arm64, which boots by UEFI
# only, can be built on any machine.
set -euo pipefail

has_ssh=false
if [ "${1:-}" = --ssh ]; then
  has_ssh=true
  shift
fi
output=${1:?usage: build-guest-image.sh [--ssh] OUTPUT [amd64|arm64]}
recipe=$(cd "$(dirname "${BASH_SOURCE[0]}")/guest" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "build-guest-image: $*" >&2
  exit 1
}

command -v apt-get > /dev/null || fail "needs apt-get (Debian or Ubuntu)"
machine=${2:-$(dpkg --print-architecture)}
[[ $machine =~ ^(amd64|arm64)$ ]] || fail "builds for amd64 and arm64, not for $machine"
! $has_ssh || [ "$machine" = "$(dpkg --print-architecture)" ] || fail "--ssh builds for this machine's $(dpkg --print-architecture), not for $machine"

# apt, for the guest's architecture: with lists of its own when that is not the host's.
guest_apt=()
prepare_apt() {
  [ "$machine" != "$(dpkg --print-architecture)" ] || return 0
  mkdir -p "$work/apt/lists/partial"
  guest_apt=(-o "APT::Architecture=$machine" -o "APT::Architectures=$machine" -o "Dir::State::lists=$work/apt/lists"
    -o "Dir::Cache=$work/apt" -o Dir::State::status=/dev/null)
  apt-get "${guest_apt[@]}" update -q > "$work/update.log" 2>&1 || fail "apt could not update: $(cat "$work/update.log")"
}

is_known() {
  apt-cache "${guest_apt[@]}" show "$1" > /dev/null 2>&1
}

# Debian's cloud kernel carries few drivers; Ubuntu has none by that name, and keeps its modules in a package of their own.
kernel_packages() {
  local meta
  for meta in "linux-image-cloud-$machine" linux-image-virtual; do
    is_known "$meta" || continue
    apt-cache "${guest_apt[@]}" depends "$meta" | sed -n 's/^ *Depends: \(linux-\(image\|modules\)-[0-9].*\)$/\1/p'
    apt-cache "${guest_apt[@]}" depends "$meta" | sed -n 's/^ *Depends: linux-image-\([0-9].*\)$/linux-modules-\1/p' |
      while read -r name; do if is_known "$name"; then echo "$name"; fi; done
    return
  done
}

# The boot loader for UEFI; older Ubuntus have it in systemd itself.
boot_loader_package() {
  if is_known systemd-boot-efi; then echo systemd-boot-efi; else echo systemd; fi
}

download() {
  local folder=$1
  shift
  mkdir -p "$folder"
  (cd "$folder" && apt-get "$@" > download.log 2>&1) || fail "could not download packages: $(cat "$folder/download.log")"
  local package
  for package in "$folder"/*.deb; do dpkg -x "$package" "$folder/unpacked"; done
}

unpack_packages() {
  local kernels
  kernels=$(kernel_packages)
  [ -n "$kernels" ] || fail "apt knows no kernel package (linux-image-cloud-$machine): run apt-get update"
  # shellcheck disable=SC2086 # one word per package
  download "$work/guest" "${guest_apt[@]}" download -q $kernels busybox-static "$(boot_loader_package)"
  download "$work/host" download -q busybox-static syslinux syslinux-common mtools lz4
  # Unpacked tools come before the host's; mtools is what syslinux writes with.
  PATH="$work/host/unpacked/usr/bin:$work/host/unpacked/bin:$PATH"
}

modules=(virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net
  button evdev virtio_blk virtio_console pvpanic pvpanic-mmio)

# The drivers by name, wherever this kernel keeps them; those that are built in have no file, and init skips them.
copy_modules() {
  local name file
  for name in "${modules[@]}"; do
    file=$(find "$work/guest/unpacked" -name "$name.ko*" -path '*/kernel/*' | head -n 1)
    case $file in
      '') ;;
      *.zst) zstd -q -d "$file" -o "$1/$name.ko" ;;
      *.xz) xz -d -c "$file" > "$1/$name.ko" ;;
      *) cp "$file" "$1/$name.ko" ;;
    esac
  done
}

# What the config drive's file system needs comes along.
add_ssh_server() {
  local root=$1 package name program file
  modules+=(cdrom isofs)
  install -m 755 "$recipe/config-drive" "$root/lib/config-drive"
  while read -r name package; do
    program=$(PATH="$PATH:/usr/sbin" command -v "$name") || fail "there is no $name: apt-get install $package"
    install -m 755 "$program" "$root/bin/$name"
    while read -r file; do install -D -m 755 "$file" "$root$file"; done < <(ldd "$program" | grep -o '/[^ ]*')
  done <<< $'dropbear dropbear-bin\nscp openssh-client'
  mkdir -p "$root/root"
  echo root:x:0:0:root:/root:/bin/sh > "$root/etc/passwd"
}

make_initramfs() {
  local root=$work/root
  mkdir -p "$root"/{bin,sbin,dev,proc,sys,etc,run,tmp,mnt,lib/modules}
  cp "$(find "$work/guest/unpacked" -path '*/bin/busybox' -type f)" "$root/bin/busybox"
  install -m 755 "$recipe/init" "$root/init"
  install -m 755 "$recipe/dhcp-event" "$root/lib/dhcp-event"
  install -m 755 "$recipe/agent" "$root/lib/agent"
  if $has_ssh; then add_ssh_server "$root"; fi
  copy_modules "$root/lib/modules"
  # -l: the old frame format is the only one that the kernel reads.
  (cd "$root" && find . | "$(find "$work/host/unpacked" -path '*/bin/busybox' -type f)" cpio -o -H newc 2> /dev/null) | lz4 -l -9 -q - "$work/initrd"
}

little_endian() {
  printf '%08x' "$1" | sed 's/\(..\)\(..\)\(..\)\(..\)/\\x\4\\x\3\\x\2\\x\1/'
}

kernel_arguments() {
  local arguments
  arguments=$(grep -v '^#' "$recipe/kernel-arguments" | tr '\n' ' ')
  if [ "$machine" = arm64 ]; then echo "${arguments/ttyS0/ttyAMA0}"; else echo "$arguments"; fi
}

# What UEFI looks for on a disk that nobody has told it of.
copy_uefi_loader() {
  local part=$1 loader name=BOOTX64.EFI
  [ "$machine" = amd64 ] || name=BOOTAA64.EFI
  loader=$(find "$work/guest/unpacked" -name 'systemd-boot*.efi' | head -n 1)
  [ -f "$loader" ] || fail "the package $(boot_loader_package) holds no systemd-boot*.efi"
  printf 'timeout 0\n' > "$work/loader.conf"
  printf 'linux /linux\ninitrd /initrd\noptions %s\n' "$(kernel_arguments)" > "$work/guest.conf"
  mmd -i "$part" ::EFI ::EFI/BOOT ::loader ::loader/entries
  mcopy -i "$part" "$loader" "::EFI/BOOT/$name"
  mcopy -i "$part" "$work/loader.conf" ::loader/loader.conf
  mcopy -i "$part" "$work/guest.conf" ::loader/entries/guest.conf
}

copy_bios_loader() {
  local part=$1
  printf 'SERIAL 0 115200\nDEFAULT linux\nPROMPT 0\nTIMEOUT 0\nLABEL linux\n KERNEL linux\n INITRD initrd\n APPEND %s' \
    "$(kernel_arguments)" > "$work/syslinux.cfg"
  mcopy -i "$part" "$work/syslinux.cfg" ::syslinux.cfg
  syslinux --install "$part"
}

# A master boot record with one active FAT16 partition that starts at 1 MiB and holds boot loaders, kernel and initramfs.
make_disk() {
  local kernel part=$work/part sectors first=2048
  kernel=$(find "$work/guest/unpacked/boot" -name 'vmlinuz-*' | head -n 1)
  [ -f "$kernel" ] || fail "the kernel package holds no boot/vmlinuz-*"
  sectors=$((($(stat -c %s "$kernel") + $(stat -c %s "$work/initrd")) / 512 / 2048 * 2048 + 3 * 2048))
  # Clusters of 32 KiB: with 4 KiB, the BIOS reads in small pieces and takes half a second longer.
  mformat -C -i "$part" -T "$sectors" -h 64 -s 32 -c 64 -H "$first" -v GUEST ::
  mcopy -i "$part" "$kernel" ::linux
  mcopy -i "$part" "$work/initrd" ::initrd
  copy_uefi_loader "$part"
  if [ "$machine" = amd64 ]; then copy_bios_loader "$part"; fi

  local disk=$work/disk
  truncate -s $((first * 512 + sectors * 512)) "$disk"
  head -c 440 "$work/host/unpacked/usr/lib/syslinux/mbr/mbr.bin" | dd of="$disk" conv=notrunc status=none
  # 0x80 active, type 0x0e FAT16 by block address; the old cylinder fields say "beyond".
  printf '%b' "\x80\xfe\xff\xff\x0e\xfe\xff\xff$(little_endian $first)$(little_endian "$sectors")" |
    dd of="$disk" bs=1 seek=446 conv=notrunc status=none
  printf '\x55\xaa' | dd of="$disk" bs=1 seek=510 conv=notrunc status=none
  dd if="$part" of="$disk" bs=1M seek=1 conv=notrunc status=none
  mv "$disk" "$output"
}

prepare_apt
unpack_packages
make_initramfs
make_disk
