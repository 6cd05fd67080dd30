import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { HostFindingKind } from '@etcd-compute/common/etcd/messages/host-audit';
import type { Store } from '@etcd-compute/common/etcd/store';
import { instanceUuidSchema, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Domain } from '@etcd-compute/libvirt/domain';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import { listConsoleLogs } from '../consoles/console-logs.js';
import { listDisks } from '../disks/disk-pool.js';
import { listConfigDrives } from '../guest-config/config-drives.js';
import { undoSteps } from '../instances/build.js';
import { readMark } from '../instances/domain.js';
import type { StepDeps } from '../instances/steps/step.js';
import type { Tasks } from '../instances/steps/tasks.js';
import { createFirstSeen, type Audit, type Finding } from './audit.js';

export interface LeftoverAuditDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly steps: StepDeps;
  readonly tasks: Tasks;
  readonly now: () => number;
  readonly log: Logger;
}

type Kind = Extract<HostFindingKind, 'domain-without-request' | 'disk-without-request' | 'console-log-without-request'>;

/** What of ours is there, by instance, with words for a person. */
type Ours = Map<InstanceUuid, Map<Kind, string>>;

/** Undefined when it has gone since it was listed, as a destroyed one does. */
const describeState = async (domain: Domain): Promise<string | undefined> => {
  try {
    return (await domain.isActive()) ? 'it runs' : 'it is shut off';
  } catch (err) {
    if (isLibvirtError(err, 'VIR_ERR_NO_DOMAIN')) return undefined;
    throw err;
  }
};

/**
 * What of ours is on this host without a boot request: domains, disks and console logs. Reported once each; removed only when the
 * config says so, or when a boot request comes that wishes for it. What is not marked as this host's is never looked at.
 */
export const createLeftoverAudit = (deps: LeftoverAuditDeps): Audit => {
  const { store, keys, host, steps, tasks, now, log } = deps;
  const lookAt = createFirstSeen(now);

  const listOurs = async (): Promise<Ours> => {
    const connection = steps.getConnection();
    const ours: Ours = new Map();
    const add = (instance: InstanceUuid, kind: Kind, detail: string): void => {
      ours.set(instance, (ours.get(instance) ?? new Map<Kind, string>()).set(kind, detail));
    };
    for (const domain of await connection.listAllDomains()) {
      await using handle = domain;
      const instance = instanceUuidSchema.safeParse(handle.uuid).data;
      if (instance === undefined || (await readMark(handle))?.host !== host) continue;
      const state = await describeState(handle);
      if (state !== undefined) add(instance, 'domain-without-request', state);
    }
    for (const instance of await listConfigDrives(steps.configDrivesDir))
      add(instance, 'disk-without-request', `its config drive, in ${steps.configDrivesDir}`);
    for (const instance of await listDisks(connection, steps.pool))
      add(instance, 'disk-without-request', `in ${steps.pool.folder}`);
    for (const instance of await listConsoleLogs(steps.consolesDir))
      add(instance, 'console-log-without-request', `in ${steps.consolesDir}`);
    return ours;
  };

  return {
    run: async () => {
      // Our things first, the requests after: what has just been built has its request already.
      const ours = await listOurs();
      const { entries } = await store.list(keys.requestsOf(host));
      for (const { key } of entries) {
        const instance = keys.parseRequest(key)?.instance;
        if (instance !== undefined) ours.delete(instance);
      }
      const firstSeen = lookAt([...ours.keys()]);
      const findings: Finding[] = [];
      for (const [instance, found] of ours) {
        const { since, isNew } = firstSeen.get(instance) ?? { since: now(), isNew: true };
        const isMore = found.has('domain-without-request') || found.has('disk-without-request');
        const what = isMore ? 'domain or disk' : 'console log';
        if (steps.config.audit.remove_orphan_domains) {
          await undoSteps(tasks.build, { deps: steps, instance, log });
          log.warn({ instanceUuid: instance }, `${what} without a boot request removed`);
          continue;
        }
        if (isNew) log.warn({ instanceUuid: instance }, `${what} without a boot request, left as it is`);
        for (const [kind, detail] of found) findings.push({ kind, instance, detail, since });
      }
      return findings;
    },
  };
};
