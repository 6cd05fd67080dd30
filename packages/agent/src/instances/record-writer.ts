import { EcomputeError } from '@etcd-compute/common/errors';
import { isSurelyUnwritten } from '@etcd-compute/common/etcd/errors';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import {
  canBecome,
  DELETED_TTL_SECONDS,
  newRecord,
  withState,
  type InstanceRecord,
  type InstanceState,
} from '@etcd-compute/common/etcd/messages/instance-record';
import { resourcesOn, wishesOf } from '@etcd-compute/common/etcd/messages/boot-request';
import { backoff, sleep } from '@etcd-compute/common/async/sleep';
import type { Claim } from '@etcd-compute/common/capacity/capacity';
import type { Guard, Store, Write } from '@etcd-compute/common/etcd/store';
import type { Fence } from '../session/fence.js';
import type { RoomChange } from '../steps/release-room.js';
import { bootedWrites } from './booted.js';
import type { InstanceUuid, ProviderUuid, SessionUuid } from '@etcd-compute/common/ids';

/*
 * The only way that the agent writes a record. Every write is a txn that compares the revision of the record *and* of the boot
 * request with those last read, and the fence of this agent's session. So an agent that was frozen and replaced cannot write over its successor, and a wish that
 * changed meanwhile (destroy while building) ends what is in hand at its next write.
 */

export interface Stored<T> {
  readonly value: T;
  readonly modRevision: string;
}

export interface RecordWriterDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly session: SessionUuid;
  /** Of this agent's session. */
  readonly fence: Pick<Fence, 'guard'>;
  /** The host's boot, noted with a guest that runs. */
  readonly bootId: string;
  readonly writesBooted: boolean;
}

/** What goes into the transaction of a record. */
export interface Together {
  readonly also?: readonly Write[];
  readonly room?: RoomChange | undefined;
}

const NO_CLAIM: Claim = { guards: [], writes: [] };
/** Each time somebody else is through, so this is for a host on which very many come and go at once. */
const CLAIM_ATTEMPTS = 30;
const AGAIN_MS = { minMs: 5, maxMs: 500 };

/** Thrown when someone else wrote in between. Not a failure: read everything again. */
export const isChanged = (thrown: unknown): boolean =>
  thrown instanceof EcomputeError && thrown.code === 'ECOMPUTE_INSTANCE_CHANGED';

export class RecordWriter {
  readonly #deps: RecordWriterDeps;
  readonly #instance: InstanceUuid;
  #request: Stored<BootRequest>;
  #record: Stored<InstanceRecord>;

  constructor(deps: RecordWriterDeps, request: Stored<BootRequest>, record: Stored<InstanceRecord> | undefined) {
    this.#deps = deps;
    this.#request = request;
    this.#instance = request.value.instance;
    this.#record = record ?? { value: this.#firstRecord(request.value), modRevision: '0' };
  }

  /** The original's scheduler writes no record. */
  #firstRecord(request: BootRequest): InstanceRecord {
    return newRecord({
      instance: this.#instance,
      host: this.#deps.host,
      name: request.name ?? null,
      project: request.project_id,
      user: request.user_id,
      attemptsLeft: request.retry?.attempts_left,
      resources: resourcesOn(request, this.#deps.host) ?? {},
      image: request.image,
      disks: request.disks,
      nics: request.nics,
      reason: 'found a boot request without a record',
      now: new Date(),
    });
  }

  get record(): InstanceRecord {
    return this.#record.value;
  }

  /** Takes the instance for this session. A record of an earlier, deleted instance of the same uuid begins anew. */
  async claim(
    state: 'building' | 'deleting',
    reason: string,
    changes: Pick<Partial<InstanceRecord>, 'fault'> = {},
  ): Promise<void> {
    if (this.record.state === 'deleted' && state === 'building')
      this.#record = { ...this.#record, value: this.#firstRecord(this.#request.value) };
    const isTakenUp = this.record.state === state && this.record.session !== this.#deps.session;
    await this.toState(state, {
      reason: isTakenUp ? 'taken up again after a restart' : reason,
      session: this.#deps.session,
      host: this.#deps.host,
      ...changes,
    });
  }

  /** Takes over an instance that has no record, as it was found. What was wished before is taken for carried out. */
  async adopt(state: InstanceState, reason: string): Promise<void> {
    const ran = state === 'active' ? { boot_id: this.#deps.bootId } : {};
    const wish_count = wishesOf(this.#request.value).at(-1)?.count ?? 0;
    const { session } = this.#deps;
    await this.#put(withState(this.record, state, { ...ran, session, wish_count, reason, now: new Date() }));
  }

  async toState(
    state: InstanceState,
    changes: { reason: string } & Partial<InstanceRecord>,
    { also = [], room }: Together = {},
  ): Promise<void> {
    if (!canBecome(this.record.state, state))
      throw new Error(`a record cannot go from ${this.record.state} to ${state}`);
    const ran = state === 'active' ? { boot_id: this.#deps.bootId } : {};
    const value = withState(this.record, state, { paused: null, ...ran, ...changes, now: new Date() });
    await this.#put(value, { also, room });
  }

  /** Changes that are no transition: the step in hand, addresses. */
  async update(changes: Partial<InstanceRecord>, together: Together = {}): Promise<void> {
    await this.#put({ ...this.record, ...changes, updated_at: new Date().toISOString() }, together);
  }

  async startStep(name: string): Promise<void> {
    await this.update({ step: { name, since: new Date().toISOString(), progress: null } });
  }

  /** To be given with the other writes of a change. */
  requestWrite(request: BootRequest): Write {
    return { op: 'put', key: this.#requestKey, value: JSON.stringify(request) };
  }

  get #requestKey(): string {
    return this.#deps.keys.request(this.#deps.host, this.#instance);
  }

  /**
   * The last write of an instance: the wish and the address go, the record stays for an hour.
   *
   * @param gone keys that go with it.
   */
  async finishDelete(gone: readonly string[], room: RoomChange): Promise<void> {
    const { store, keys, host } = this.#deps;
    const lease = await store.grantLease(DELETED_TTL_SECONDS);
    const value = withState(this.record, 'deleted', {
      reason: 'everything of it is gone',
      step: null,
      addresses: [],
      now: new Date(),
    });
    const recordKey = keys.report(host, this.#instance);
    try {
      await this.#commit(
        [
          { op: 'put', key: recordKey, value: JSON.stringify(value), lease: lease.id },
          { op: 'delete', key: this.#requestKey },
          ...gone.map((key): Write => ({ op: 'delete', key })),
          ...bootedWrites(this.#deps, this.#instance),
        ],
        room,
      );
    } catch (err) {
      // When nothing was written, the lease holds nothing. If this fails too, it runs out by itself.
      const mayBeWritten = err instanceof EcomputeError && err.code === 'ECOMPUTE_ETCD_UNREACHABLE';
      if (!mayBeWritten || isSurelyUnwritten(err)) await lease.revoke().catch(() => undefined);
      throw err;
    }
  }

  async #put(value: InstanceRecord, { also = [], room }: Together = {}): Promise<void> {
    const key = this.#deps.keys.report(this.#deps.host, this.#instance);
    // An eschedule of an earlier version reads `power_count`.
    const text = JSON.stringify({ ...value, power_count: value.wish_count });
    const revision = await this.#commit([{ op: 'put', key, value: text }, ...also], room);
    this.#record = { value, modRevision: revision };
  }

  /** Room is changed in the same transaction. */
  async #commit(writes: readonly Write[], room?: RoomChange): Promise<string> {
    return room ? room.inTurn(async () => this.#write(writes, room.claim)) : this.#write(writes, async () => undefined);
  }

  /** While others allocate or release on this host, the change of room is claimed anew. */
  async #write(writes: readonly Write[], claimRoom: RoomChange['claim']): Promise<string> {
    const { store, keys, host } = this.#deps;
    const guards: readonly Guard[] = [
      { key: keys.report(host, this.#instance), modRevision: this.#record.modRevision },
      { key: this.#requestKey, modRevision: this.#request.modRevision },
      this.#deps.fence.guard,
    ];
    for (let attempt = 1; attempt <= CLAIM_ATTEMPTS; attempt += 1) {
      const claim = (await claimRoom()) ?? NO_CLAIM;
      const { isCommitted, revision } = await store.txn([...guards, ...claim.guards], [...writes, ...claim.writes]);
      if (isCommitted) {
        if (writes.some(({ key }) => key === this.#requestKey))
          this.#request = { ...this.#request, modRevision: revision };
        return revision;
      }
      if (claim.guards.length === 0 || !(await this.#hold(guards))) break;
      await sleep(backoff(attempt, AGAIN_MS));
    }
    throw new EcomputeError(
      'ECOMPUTE_INSTANCE_CHANGED',
      `the record or the boot request of instance ${this.#instance} changed meanwhile, or this agent was replaced`,
      {
        retryable: true,
      },
    );
  }

  async #hold(guards: readonly Guard[]): Promise<boolean> {
    const { entries } = await this.#deps.store.getMany(guards.map(({ key }) => key));
    return guards.every(({ modRevision }, index) => (entries[index]?.modRevision ?? '0') === modRevision);
  }
}
