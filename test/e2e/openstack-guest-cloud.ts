import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bringPortOut, bringPorts } from '@etcd-compute/testing/bring-ports';
import { startEapi, type EapiServer } from '@etcd-compute/testing/eapi';
import { startEcompute } from '@etcd-compute/testing/ecompute';
import { startEtcd } from '@etcd-compute/testing/etcd-server';
import { getFreePort } from '@etcd-compute/testing/free-port';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { openTools, type OpenstackTools } from './openstack-cloud.js';

/** A cloud with real guests, which are in a network of their own: etcd, an agent on a private libvirtd, and `eapi` with an admin. */
export interface OpenstackGuestCloud extends OpenstackTools {
  readonly dir: string;
  readonly eapi: EapiServer;
  readonly libvirtd: LibvirtDaemon;
  /** What goes before a command line to run it where both guests and `eapi` are reached. */
  readonly amongGuests: readonly string[];
  /** The path of a guest's disk that takes keys and user data from its config drive. */
  readonly guest: string;
}

const CACHE = join(import.meta.dirname, '../../.cache');

export const startOpenstackGuestCloud = async (): Promise<OpenstackGuestCloud> => {
  /** Newest first. */
  const opened: AsyncDisposable[] = [];
  const open = <T extends AsyncDisposable>(one: T): T => {
    opened.unshift(one);
    return one;
  };
  const close = async (): Promise<void> => {
    for (const one of opened) await one[Symbol.asyncDispose]();
  };
  try {
    const { path: dir } = open(await makeTempDir('guests'));
    const agentDir = join(dir, 'agent');
    await mkdir(agentDir);
    // Guests run as another user, who must reach their disks.
    await chmod(dir, 0o755);
    const etcd = open(await startEtcd());
    const images = { folder: join(dir, 'images'), listen: '127.0.0.1', port: await getFreePort() };
    const eapi = open(await startEapi({ etcd, config: { images: { ...images, advertise: ['127.0.0.1'] } } }));
    const libvirtd = open(await startLibvirtd({ dir: join(dir, 'v') }));
    const ports = [etcd.port, images.port, Number(new URL(eapi.endpoint).port)];
    const { wrapper } = open(await bringPorts(ports, libvirtd));
    const { port } = open(await bringPortOut(libvirtd));
    const config = {
      libvirt: { uri: libvirtd.uri },
      endpoint: { listen: '127.0.0.1', port, advertise: ['127.0.0.1'] },
      inventory: { VCPU: { allocation_ratio: 100 } },
      metadata: { token: 'optional' },
    };
    open(await startEcompute({ etcd, placement: 'etcd', dir: agentDir, wrapper, config }));
    const tools = open(await openTools(eapi));
    const { path: guest } = await buildGuestImage(CACHE, 'ssh');
    return { ...tools, dir, eapi, libvirtd, amongGuests: wrapper, guest, [Symbol.asyncDispose]: close };
  } catch (err) {
    await close();
    throw err;
  }
};
