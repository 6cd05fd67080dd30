import { hintOfMissingFirmware } from '@etcd-compute/agent/domains/missing-firmware';
import { expect, test } from 'vitest';

test('a host without UEFI is told what to install, and other failures are not taken for it', () => {
  const missing = new Error("operation failed: Unable to find any firmware to satisfy 'efi'");
  expect(hintOfMissingFirmware(missing)).toContain('ovmf');
  expect(hintOfMissingFirmware(new Error('could not start', { cause: missing }))).toContain('ovmf');
  expect(hintOfMissingFirmware(new Error("Cannot access storage file '/firmware.img'"))).toBeUndefined();
});
