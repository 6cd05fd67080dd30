import { formatErrorChain } from '@etcd-compute/common/errors';

/**
 * libvirt has no error code for a host without UEFI. It fails when the domain is defined or, in some versions, when it starts.
 *
 * @returns what to do about it; undefined when that is not what failed.
 */
export const hintOfMissingFirmware = (cause: unknown): string | undefined =>
  /find any firmware|any firmware to satisfy/i.test(formatErrorChain(cause))
    ? 'this host has no UEFI for guests: install it (Debian: ovmf; on arm64 qemu-efi-aarch64), or boot with --firmware bios'
    : undefined;
