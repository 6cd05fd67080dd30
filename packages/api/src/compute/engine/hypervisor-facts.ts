import { isIP } from 'node:net';
import { agentEndpointSchema } from '@etcd-compute/common/etcd/messages/agent-endpoint';
import { presenceSchema } from '@etcd-compute/common/etcd/messages/presence';
import { DEFAULT_PROJECT } from '@etcd-compute/common/ids';
import type { z } from 'zod';
import type { Compute } from '../compute.js';
import type { Hypervisor } from './hypervisors.js';

type Facts = Pick<Hypervisor, 'type' | 'version' | 'address'>;

const presence = presenceSchema.pick({ host: true, hypervisor: true });
const endpoint = agentEndpointSchema.pick({ host: true, addresses: true });

/** What agents that are there tell of their hosts. What is not understood is left out. */
export const readHypervisorFacts = async ({
  servicesFor,
}: Pick<Compute['servers'], 'servicesFor'>): Promise<ReadonlyMap<string, Facts>> => {
  const { store: open, keys } = servicesFor({ project: DEFAULT_PROJECT, user: 'eapi' });
  const store = await open();
  const [presences, endpoints] = await Promise.all([
    store.list(keys.agents, ({ value }) => parse(presence, value)),
    store.list(keys.endpoints, ({ value }) => parse(endpoint, value)),
  ]);
  const addresses = new Map(
    endpoints.entries.map((one) => [one?.host, one?.addresses.find((address) => isIP(address) > 0)]),
  );
  const facts = new Map<string, Facts>();
  for (const one of presences.entries)
    if (one)
      facts.set(one.host, {
        type: one.hypervisor.type,
        version: toNumber(one.hypervisor.version),
        address: addresses.get(one.host) ?? '0.0.0.0',
      });
  return facts;
};

const parse = <S extends z.ZodType>(schema: S, value: string): z.output<S> | undefined => {
  try {
    return schema.safeParse(JSON.parse(value)).data;
  } catch {
    return undefined;
  }
};

/** @param version such as 9.0.0. */
const toNumber = (version: string): number => {
  const [major = 0, minor = 0, release = 0] = version.split('.').map(Number);
  return major * 1_000_000 + minor * 1_000 + release || 0;
};
