# What the tests and the demo need from the distribution: group, package, what shows that it is there, and what it is for.
# A path stands for itself, a name for a program. Package names are those of Debian 12 and of Ubuntu.

machine=$(uname -m)

list_needs() {
  cat << EOF
base etcd-server etcd "the store of requests and records"
base etcd-client etcdctl "plays the original, which knows nothing of ours"
base libvirt-daemon-system libvirtd "runs the guests"
base libvirt-daemon-driver-qemu /usr/lib/$machine-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so "runs the guests"
base libvirt-clients virsh "looks at guests from outside"
base qemu-system-x86 qemu-system-x86_64 "runs the guests"
base qemu-utils qemu-img "makes disks in tests"
base ovmf /usr/share/OVMF/OVMF_CODE*.fd "UEFI for guests"
base xz-utils xz "unpacks images"
base zstd zstd "unpacks images"
base dnsmasq-base dnsmasq "gives guests their addresses"
base iptables iptables "lets guests out of their network"
base nftables nft "keeps guests from what they may not reach"
base iproute2 ip "networks of guests"
base openssh-client ssh "logs in to guests"
base dropbear-bin dropbear "lets a guest of the tests be logged in to"
base iputils-ping ping "shows that a guest answers"
base busybox busybox "asks for an address in tests, as a guest does"
base openssl openssl "makes certificates for tests"
base procps pkill "ends processes in tests"
base curl curl "downloads images in benchmarks, for comparison"
openstack placement-api placement-api "OpenStack Placement, which counts what is free"
openstack uwsgi-core uwsgi "serves Placement"
openstack uwsgi-plugin-python3 /usr/lib/uwsgi/plugins/python3*_plugin.so "serves Placement"
openstack python3 python3 "prepares Placement's database"
guests mmdebstrap mmdebstrap "makes a full Debian"
guests grub-common grub-mkimage "its boot loaders"
guests grub-pc-bin /usr/lib/grub/i386-pc/boot.img "its boot loader for BIOS"
guests grub-efi-amd64-bin /usr/lib/grub/x86_64-efi "its boot loader for UEFI"
guests fdisk sfdisk "its partitions"
guests mtools mformat "its partition for UEFI"
guests openssh-client ssh "logs in to it"
guests qemu-system-arm qemu-system-aarch64 "emulates arm64"
guests qemu-efi-aarch64 /usr/share/AAVMF/AAVMF_CODE.fd "UEFI for guests on arm64"
fresh mmdebstrap mmdebstrap "makes a root file system that has nothing"
fresh slirp4netns slirp4netns "its network"
placement-suite python3-gabbi /usr/lib/python3/dist-packages/gabbi "runs OpenStack Placement's functional suite"
placement-suite python3-os-traits /usr/lib/python3/dist-packages/os_traits "names in its tests"
placement-suite python3-os-resource-classes /usr/lib/python3/dist-packages/os_resource_classes "names in its tests"
placement-suite python3-oslo.utils /usr/lib/python3/dist-packages/oslo_utils "uuids in its tests"
openstack-client python3-openstackclient openstack "OpenStack's own command line, which tests ask our Placement with"
openstack-client python3-osc-placement /usr/lib/python3/dist-packages/osc_placement "its commands for Placement"
openstack-client packer packer "makes an image from a server, in a test"
s3 python3-swift /usr/lib/python3/dist-packages/swift "serves S3, where images can be kept"
openstack-suite tempest /usr/bin/tempest "tests of OpenStack against ours"
openstack-suite python3-tempest /usr/lib/python3/dist-packages/tempest "the tests"
openstack-suite python3-stestr /usr/lib/python3/dist-packages/stestr "runs them"
openstack-suite python3-openstackclient openstack "makes their users"
docker docker.io dockerd "runs the containers"
docker docker-compose docker-compose "runs the containers"
docker debootstrap debootstrap "makes a base image without a registry"
docker curl curl "talks to Placement"
docker procps pgrep "finds the daemon's process"
docker dpkg-dev dpkg-scanpackages "makes a package source without a network"
EOF
}

# Adds the packages of a group that are missing to the array `missing`, and says why each is needed.
find_missing() {
  local group package proof reason
  while read -r group package proof reason; do
    [ "$group" = "$1" ] || continue
    is_there "$proof" && continue
    missing+=("$package")
    say "missing: $package (${reason//\"/})"
  done < <(list_needs)
}

is_there() {
  case $1 in
    /*) compgen -G "$1" > /dev/null ;;
    # Programs of administrators are often not in a user's PATH.
    *) PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" command -v "$1" > /dev/null ;;
  esac
}
