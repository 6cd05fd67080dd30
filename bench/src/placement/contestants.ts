import { randomUUID } from 'node:crypto';
import type { Capacity } from '@etcd-compute/common/capacity/capacity';
import { newInstanceUuid } from '@etcd-compute/common/ids';
import { openApi } from './api.js';
import { GUEST } from './hosts.js';

/** Who places instances. */
export interface Contestant {
  readonly name: string;
  /** Places one. @returns false when somebody else was faster there: it is to be tried anew. */
  readonly placeOne: () => Promise<boolean>;
  /** Leaders of process groups whose processor time counts. */
  readonly pids: { readonly server: readonly number[]; readonly etcd: readonly number[] };
  readonly close: () => void;
}

interface Server {
  readonly endpoint: string;
  readonly pid: number;
}

const RESOURCES = Object.entries(GUEST)
  .map(([name, amount]) => `${name}:${amount}`)
  .join(',');

interface CandidatesReply {
  readonly allocation_requests: readonly { readonly allocations: object }[];
}

/** Ten candidates, and an allocation from one of them. @param etcd its store, when that is a process of its own. */
export const byHttp = (name: string, server: Server, etcd?: { readonly pid: number }): Contestant => {
  const api = openApi(server.endpoint);
  const placeOne = async (): Promise<boolean> => {
    const found: CandidatesReply = JSON.parse(
      await api.expect('GET', `/allocation_candidates?resources=${RESOURCES}&limit=10`),
    );
    const path = `/allocations/${randomUUID()}`;
    const { status, text } = await api.send('PUT', path, {
      ...oneOf(found.allocation_requests),
      project_id: 'bench',
      user_id: 'bench',
      consumer_generation: null,
      consumer_type: 'INSTANCE',
    });
    if (status === 409) return false;
    if (status !== 204) throw new Error(`PUT ${path} was answered ${status}: ${text}`);
    return true;
  };
  return {
    name,
    placeOne,
    // It may be restarted.
    get pids() {
      return { server: [server.pid], etcd: etcd ? [etcd.pid] : [] };
    },
    close: () => api.close(),
  };
};

/** The same in this process, without a server. */
export const byLibrary = (name: string, capacity: Capacity, etcd: { readonly pid: number }): Contestant => ({
  name,
  placeOne: async () => {
    const { candidates } = await capacity.candidates({ resources: GUEST }, 10);
    const { allocations } = oneOf(candidates);
    const request = { instance: newInstanceUuid(), allocations, userId: 'bench', projectId: 'bench' };
    const result = await capacity.allocate([request]);
    if (result.outcome === 'no-room') throw result.err;
    return result.outcome === 'allocated' && capacity.settle(result.claim);
  },
  pids: { server: [], etcd: [etcd.pid] },
  close: () => undefined,
});

const oneOf = <T>(candidates: readonly T[]): T => {
  const candidate = candidates[Math.floor(Math.random() * candidates.length)];
  if (candidate === undefined) throw new Error('there is no candidate');
  return candidate;
};
