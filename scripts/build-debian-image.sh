#!/usr/bin/env bash
# Builds a full Debian as a disk image, from Debian's packages alone: cloud-init, sshd, the guest agent, and boot loaders for BIOS
# and UEFI. The guest's own configuration comes from its config drive, as with any public cloud image.
#
#   scripts/build-debian-image.sh OUTPUT.qcow2 [SUITE]
#
# Needs root (it installs into a folder with chroot), a few minutes and 2 GiB of room in $TMPDIR. Nothing is mounted on the host
# and no loop device is used: the file systems are made from folders, and the boot loader goes to where BIOS looks by hand.
set -euo pipefail

output=$(realpath -m "${1:?usage: build-debian-image.sh OUTPUT.qcow2 [SUITE]}")
suite=${2:-bookworm}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT

fail() {
  echo "build-debian-image: $*" >&2
  exit 1
}

check_tools() {
  local tool package
  while read -r tool package; do
    PATH=$PATH:/usr/sbin:/sbin command -v "$tool" > /dev/null || fail "needs $tool: apt-get install $package"
  done << 'TOOLS'
mmdebstrap mmdebstrap
grub-mkimage grub-common
mke2fs e2fsprogs
sfdisk fdisk
mformat mtools
qemu-img qemu-utils
TOOLS
  [ -d /usr/lib/grub/i386-pc ] || fail "needs GRUB for BIOS: apt-get install grub-pc-bin"
  [ -d /usr/lib/grub/x86_64-efi ] || fail "needs GRUB for UEFI: apt-get install grub-efi-amd64-bin"
  [ "$(id -u)" -eq 0 ] || fail "needs root: it installs packages into a folder"
  [ "$(uname -m)" = x86_64 ] || fail "builds for x86_64 only, this machine is $(uname -m)"
}

packages=(
  linux-image-cloud-amd64 initramfs-tools zstd
  systemd systemd-sysv systemd-resolved systemd-timesyncd dbus udev libpam-systemd
  cloud-init cloud-guest-utils fdisk e2fsprogs netplan.io
  openssh-server qemu-guest-agent sudo
  iproute2 iputils-ping procps less ca-certificates
)

install_system() {
  local included
  included=$(IFS=,; echo "${packages[*]}")
  mmdebstrap --quiet --variant=minbase --mode=root --include="$included" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    "$suite" "$work/root" "deb $mirror $suite main"
}

# What must differ from guest to guest is left for its first boot to make.
make_generic() {
  local root=$work/root
  rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname" "$root/var/lib/dbus/machine-id"
  : > "$root/etc/machine-id"
  ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
  printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' > "$root/etc/hosts"
  printf 'LABEL=root / ext4 errors=remount-ro 0 1\n' > "$root/etc/fstab"
  # Making another language's files at the first boot takes long, and few need them.
  printf 'LANG=C.UTF-8\n' > "$root/etc/default/locale"
  printf 'locale: C.UTF-8\n' > "$root/etc/cloud/cloud.cfg.d/10_locale.cfg"
  chroot "$root" systemctl enable --quiet systemd-networkd systemd-resolved
  (cd "$root" && ln -sf "$(compgen -G 'boot/vmlinuz-*')" vmlinuz && ln -sf "$(compgen -G 'boot/initrd.img-*')" initrd.img)
  mkdir -p "$root/boot/grub"
  cat > "$root/boot/grub/grub.cfg" << 'GRUB'
linux /vmlinuz root=LABEL=root ro console=ttyS0,115200 quiet
initrd /initrd.img
boot
GRUB
}

sector=512
first_esp=2048
sectors_esp=$((16 * 2048))
first_root=$((first_esp + sectors_esp))

make_root_partition() {
  local used_mib
  used_mib=$(du -sm --apparent-size "$work/root" | cut -f1)
  # The features that GRUB of Debian 12 does not read are left out.
  mke2fs -q -t ext4 -L root -O '^metadata_csum_seed,^orphan_file' -d "$work/root" "$work/root.ext4" "$((used_mib * 5 / 4 + 200))M"
}

grub_modules=(normal configfile search search_label linux part_msdos ext2 fat)

make_boot_loaders() {
  printf 'search --no-floppy --label root --set=root\nset prefix=($root)/boot/grub\nconfigfile ($root)/boot/grub/grub.cfg\n' \
    > "$work/early.cfg"
  grub-mkimage -O i386-pc -p /boot/grub -c "$work/early.cfg" -o "$work/core.img" biosdisk "${grub_modules[@]}"
  grub-mkimage -O x86_64-efi -p /boot/grub -c "$work/early.cfg" -o "$work/bootx64.efi" "${grub_modules[@]}"
  [ "$(stat -c %s "$work/core.img")" -lt $(((first_esp - 1) * sector)) ] || fail "GRUB does not fit before the first partition"
  mformat -C -i "$work/esp" -T "$sectors_esp" -h 64 -s 32 -H "$first_esp" -v EFI ::
  mmd -i "$work/esp" ::EFI ::EFI/BOOT
  mcopy -i "$work/esp" "$work/bootx64.efi" ::EFI/BOOT/BOOTX64.EFI
}

# The root partition is the last, so that the guest can grow it. GRUB's first sector expects the rest of it in the next ones.
make_disk() {
  local disk=$work/disk sectors_root
  sectors_root=$(($(stat -c %s "$work/root.ext4") / sector))
  truncate -s $(((first_root + sectors_root) * sector)) "$disk"
  printf 'label: dos\nstart=%s, size=%s, type=ef\nstart=%s, size=%s, type=83, bootable\n' \
    "$first_esp" "$sectors_esp" "$first_root" "$sectors_root" | sfdisk --quiet "$disk"
  dd if=/usr/lib/grub/i386-pc/boot.img of="$disk" bs=440 count=1 conv=notrunc status=none
  dd if="$work/core.img" of="$disk" bs=$sector seek=1 conv=notrunc status=none
  dd if="$work/esp" of="$disk" bs=1M seek=$((first_esp / 2048)) conv=notrunc,sparse status=none
  dd if="$work/root.ext4" of="$disk" bs=1M seek=$((first_root / 2048)) conv=notrunc,sparse status=none
  mkdir -p "$(dirname "$output")"
  qemu-img convert -f raw -O qcow2 -c "$disk" "$output.partial"
  mv "$output.partial" "$output"
}

check_tools
install_system
make_generic
make_root_partition
make_boot_loaders
make_disk
