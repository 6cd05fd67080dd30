import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { qemusOf } from '@etcd-compute/testing/qemu-processes';
import { readDomains } from '../world/read-host.js';
import { hostOf, type Inject } from './inject.js';

/** A daemon that says nothing, one that is another one, and guests that hang. */

export const hush: Inject = async (context) => {
  const { libvirtProxy } = hostOf(context);
  libvirtProxy.hush();
  return async () => libvirtProxy.speak();
};

export const loseReply: Inject = async (context) => {
  const { libvirtProxy } = hostOf(context);
  libvirtProxy.loseReply();
  return async () => libvirtProxy.keepReplies();
};

/** For a host that has guests: any other takes whichever libvirt it meets. */
export const swap: Inject = async (context) => {
  const { libvirtProxy, libvirtSocket, startOtherLibvirtd, stateDir } = hostOf(context);
  const other = await startOtherLibvirtd();
  const leadTo = async (path: string): Promise<void> => {
    libvirtProxy.wire.redirect({ path });
    await libvirtProxy.wire.refuse(false);
  };
  const cut = async (): Promise<void> => {
    await libvirtProxy.wire.refuse(true);
    libvirtProxy.wire.cutAll();
  };
  await cut();
  // The test driver's disks have no files.
  const isEmpty = (await readdir(join(stateDir, 'config-drives'))).length === 0;
  await leadTo(isEmpty ? libvirtSocket : other);
  if (isEmpty) return undefined;
  return async () => {
    await cut();
    await leadTo(libvirtSocket);
  };
};

/** The first of those that run. */
export const freezeGuest: Inject = async (context) => {
  const { link, uuid } = hostOf(context);
  const domains = await readDomains(link.get(), uuid);
  const running = domains.filter(({ isOurs, state }) => isOurs && state === 'running').map((domain) => domain.uuid);
  const [frozen] = running.toSorted();
  const pids = frozen === undefined ? [] : await qemusOf(frozen);
  const signal = (name: NodeJS.Signals): void => {
    for (const pid of pids) sendTo(pid, name);
  };
  signal('SIGSTOP');
  return pids.length === 0 ? undefined : async () => signal('SIGCONT');
};

/** It may have been destroyed meanwhile. */
const sendTo = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (err) {
    if (!(err instanceof Error && 'code' in err && err.code === 'ESRCH')) throw err;
  }
};
