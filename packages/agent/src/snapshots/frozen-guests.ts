import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '@etcd-compute/common/async/sleep';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { DomainAgentResponseTimeout } from '@etcd-compute/libvirt/constants';
import type { Domain } from '@etcd-compute/libvirt/domain';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import { parseDomain } from '@etcd-compute/libvirt/xml/domain';
import { findDomain } from '../domains/domain.js';
import type { Lend } from '../libvirt/link.js';
import { instanceOfFile, listFolder } from '../state-folder/instance-files.js';

/**
 * Guests whose file systems are frozen, for the moment in which a snapshot begins. A guest that stayed frozen would hang, so before it is
 * frozen a file with its name is made, and removed only when it is thawed: whatever ends in between, thawing is tried again.
 */
export interface FrozenGuests {
  /**
   * Runs a task while the guest's file systems are frozen, or as they are when its agent is not there or cannot freeze them.
   *
   * @returns whether they were frozen. @throws what the task throws; ECOMPUTE_SNAPSHOT_FAILED when they could not be thawed in time.
   */
  readonly during: (instance: InstanceUuid, task: () => Promise<void>) => Promise<boolean>;
  /** Thaws what an earlier agent has left frozen, or this one could not thaw. */
  readonly thawLeft: () => Promise<void>;
}

/** File systems of a busy guest take seconds: what is in memory is written first. */
const FREEZE_SECONDS = 30;
const FREEZE_WAIT = { timeoutMs: 45_000 };
const THAW_FOR_MS = 60_000;
const THAW_EVERY_MS = 1_000;

export const createFrozenGuests = ({
  folder,
  lend,
  log,
}: {
  readonly folder: string;
  readonly lend: Lend;
  readonly log: Logger;
}): FrozenGuests => {
  const inHand = new Set<InstanceUuid>();
  const markOf = (instance: InstanceUuid): string => join(folder, instance);

  const freeze = async (instance: InstanceUuid): Promise<boolean> => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(markOf(instance), '', { flush: true });
    try {
      await lend('guest', async (connection) => freezeGuest(connection, instance));
      return true;
    } catch (err) {
      log.warn({ err, instanceUuid: instance }, 'guest not frozen, taking its disk as it is');
      return false;
    }
  };
  const thaw = async (instance: InstanceUuid): Promise<void> => {
    await lend('guest', async (connection) => thawGuest(connection, instance));
    await rm(markOf(instance), { force: true });
  };
  const thawInTime = async (instance: InstanceUuid): Promise<void> => {
    const until = Date.now() + THAW_FOR_MS;
    for (;;) {
      try {
        await thaw(instance);
        return;
      } catch (cause) {
        if (Date.now() >= until) throw notThawed(instance, cause);
        log.warn({ err: cause, instanceUuid: instance }, 'guest not thawed, trying again');
        await sleep(THAW_EVERY_MS);
      }
    }
  };

  return {
    during: async (instance, task) => {
      if (!(await lend('guest', async (connection) => hasAgent(connection, instance)))) {
        await task();
        return false;
      }
      inHand.add(instance);
      try {
        const isFrozen = await freeze(instance);
        try {
          await task();
        } finally {
          // Also when it was not frozen: an agent that took too long may freeze it yet.
          await thawInTime(instance);
        }
        return isFrozen;
      } finally {
        inHand.delete(instance);
      }
    },
    thawLeft: async () => {
      for (const name of await listFolder(folder)) {
        const instance = instanceOfFile(name, /^(.{36})$/);
        if (instance === undefined || inHand.has(instance)) continue;
        try {
          await thaw(instance);
          log.warn({ instanceUuid: instance }, 'guest thawed that was left frozen');
        } catch (err) {
          log.error({ err, instanceUuid: instance }, 'guest may be frozen, and could not be thawed');
        }
      }
    },
  };
};

const hasAgent = async (connection: Connection, instance: InstanceUuid): Promise<boolean> => {
  await using domain = await findDomain(connection, instance);
  if (!domain || (await domain.getState()).state !== 'running') return false;
  return parseDomain(await domain.getXMLDesc()).guestAgent?.state === 'connected';
};

const freezeGuest = async (connection: Connection, instance: InstanceUuid): Promise<void> => {
  await using domain = await connection.domainLookupByUUID(instance);
  await withResponseTimeout(domain, async () => domain.fsFreeze(FREEZE_WAIT));
};

/** Repeatable, also when the guest is gone or off: it is not frozen then. */
const thawGuest = async (connection: Connection, instance: InstanceUuid): Promise<void> => {
  await using domain = await findDomain(connection, instance);
  if (!domain || !(await domain.isActive())) return;
  await withResponseTimeout(domain, async () => domain.fsThaw(FREEZE_WAIT));
};

/** libvirt itself would wait for ever. Its test driver has no such setting. */
const withResponseTimeout = async (domain: Domain, task: () => Promise<unknown>): Promise<void> => {
  const set = async (seconds: number): Promise<void> => {
    try {
      await domain.agentSetResponseTimeout(seconds, FREEZE_WAIT);
    } catch (err) {
      if (!isLibvirtError(err, 'VIR_ERR_NO_SUPPORT')) throw err;
    }
  };
  await set(FREEZE_SECONDS);
  try {
    await task();
  } finally {
    await set(DomainAgentResponseTimeout.BLOCK);
  }
};

const notThawed = (instance: InstanceUuid, cause: unknown): EcomputeError =>
  new EcomputeError('ECOMPUTE_SNAPSHOT_FAILED', `could not thaw the file systems of instance ${instance}`, {
    cause,
    hint: `it is tried again once a period; or on its host: virsh domfsthaw ${instance}`,
  });
