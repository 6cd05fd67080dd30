import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { EDITS, type EditName } from '@etcd-compute/common/wishes/kinds';
import type { InstanceEntry } from '../instances/instance-entry.js';
import type { Services } from '../services.js';
import { both } from '../placing/along.js';
import { checkMayAsk, isKnownBy, tooOldFor, type NewWish } from './check-may-ask.js';
import { moveName } from './move-name.js';
import { rewriteRequest } from './rewrite-request.js';

/**
 * Changes what an instance should be, in its boot request.
 *
 * @returns the request as it is then: the record repeats it once the agent has seen to it.
 * @throws EcomputeError when the instance is in no state for it, and what etcd throws; the instance is then as it was.
 */
export const writeEdit = async (
  services: Services,
  found: InstanceEntry,
  { agent, kind, args, along }: NewWish<EditName>,
): Promise<BootRequest | undefined> =>
  rewriteRequest(services, found, {
    verb: kind,
    render: async (entry) => {
      const { request } = checkMayAsk(entry, kind);
      if (!isKnownBy(agent, kind)) throw tooOldFor([kind], entry, agent);
      return EDITS[kind].edit(request, args);
    },
    also: async (entry, request) => {
      const own = await moveName(services, entry, request.name);
      return along ? both(own, await along(entry, undefined)) : own;
    },
  });
