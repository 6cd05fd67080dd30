import { access, constants, readFile } from 'node:fs/promises';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';

/**
 * KVM only where it really works: some machines have a /dev/kvm that opens, and guests hang on it, because the processor has
 * no virtualization. Then guests are emulated, which is correct and slow.
 */
const canUseKvm = async (): Promise<boolean> => {
  const cpuinfo = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const hasExtension = process.arch === 'x64' ? /^flags\s*:.*\b(vmx|svm)\b/m.test(cpuinfo) : true;
  if (!hasExtension) return false;
  return access('/dev/kvm', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
};

export type VirtType = 'kvm' | 'qemu' | 'test';

export const chooseVirtType = async (
  connection: Connection,
  wanted: 'auto' | 'kvm' | 'qemu',
  log: Logger,
): Promise<VirtType> => {
  if ((await connection.getType()) === 'TEST') return 'test';
  if (wanted !== 'auto') return wanted;
  if (await canUseKvm()) return 'kvm';
  log.warn('this host has no usable KVM, guests are emulated');
  return 'qemu';
};
