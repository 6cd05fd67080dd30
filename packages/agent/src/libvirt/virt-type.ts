import { access, constants, readFile } from 'node:fs/promises';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { AgentConfig } from '../config/config.js';
import type { Lend } from './link.js';

/**
 * KVM only where it works. On some machines /dev/kvm opens, but guests hang, because the processor has no virtualization. There guests are
 * emulated, which is correct but slow.
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

export interface ChooseOptions {
  readonly guests: AgentConfig['guests'];
  readonly log: Logger;
}

/**
 * The domain type of this host's guests. It also asks for the hypervisor's capabilities, so that libvirt probes QEMU now and not for the first
 * guest: without libvirt's cache that takes seconds, on some machines a minute.
 */
export const chooseVirtType = async (lend: Lend, options: ChooseOptions): Promise<VirtType> =>
  lend('work', async (connection) => choose(connection, options));

const choose = async (connection: Connection, { guests, log }: ChooseOptions): Promise<VirtType> => {
  if ((await connection.getType()) === 'TEST') return 'test';
  const type = guests.type === 'auto' ? ((await canUseKvm()) ? 'kvm' : 'qemu') : guests.type;
  if (type === 'qemu')
    log.warn('guests are emulated, which is slow: this host has no usable KVM, or the config says so');
  log.info({ type }, 'asking the hypervisor what it can do');
  await connection.getDomainCapabilities(null, hostArchitecture(), guests.machine ?? null, type);
  return type;
};

/** libvirt's name of this host's architecture. */
export const hostArchitecture = (): string => (process.arch === 'arm64' ? 'aarch64' : 'x86_64');
