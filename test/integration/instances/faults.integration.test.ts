import { TASKS } from '@etcd-compute/agent/kinds/tasks';
import type { InstanceReconciler } from '@etcd-compute/agent/instances/reconcile';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceState } from '@etcd-compute/common/etcd/messages/instance-record';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { badReply, refusal } from '@etcd-compute/common/placement/errors';
import { LibvirtError } from '@etcd-compute/libvirt/errors';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askToDestroy, boot, findRecord } from '../fixtures/agent-world.js';
import { hasPlacementService } from '../fixtures/counting.js';
import type { Faults, FaultScript } from '../fixtures/faulty.js';
import { settle, startReconcilerWorld, type ReconcilerWorld } from '../fixtures/reconciler-world.js';

/**
 * Every call that the building and the destroying of an instance make, to libvirt, etcd and who counts room, fails once, and once is
 * carried out with its reply lost. The calls are counted, not listed here: a new step is covered by itself. After each fault the
 * same reconciler, or one that has lost its memory, is activated until nothing is left to do.
 */
let world: ReconcilerWorld;
type Server = keyof ReconcilerWorld['faults'];

beforeAll(async () => {
  world = await startReconcilerWorld();
});
afterAll(async () => world[Symbol.asyncDispose]());

/** Numbers of virterror.h: 1 and 10 are an internal error of the QEMU driver, 39 and 7 one of the connection. */
const libvirtError = ({ code, domain }: { code: number; domain: number }, message: string): LibvirtError =>
  new LibvirtError({ code, domain, level: 2, message, functionName: 'virOnPurpose' });

const ETCD_ERRORS = {
  fails: () => new EcomputeError('ECOMPUTE_ETCD_UNREACHABLE', 'on purpose', { retryable: true }),
  'reply-lost': () => new EcomputeError('ECOMPUTE_ETCD_UNREACHABLE', 'reply lost', { retryable: true }),
};

const ERRORS: Readonly<Record<Server, Readonly<Record<FaultScript['mode'], () => Error>>>> = {
  libvirt: {
    fails: () => libvirtError({ code: 1, domain: 10 }, 'on purpose'),
    'reply-lost': () => libvirtError({ code: 39, domain: 7 }, 'connection lost'),
  },
  etcd: ETCD_ERRORS,
  capacity: hasPlacementService
    ? {
        fails: () => new EcomputeError('ECOMPUTE_PLACEMENT_FAILED', 'on purpose', { retryable: true }),
        'reply-lost': () => new EcomputeError('ECOMPUTE_PLACEMENT_UNREACHABLE', 'reply lost', { retryable: true }),
      }
    : ETCD_ERRORS,
};

interface Round {
  readonly server: Faults;
  readonly script: FaultScript;
  readonly isForgetful: boolean;
  /** How a build may end. A server that was away for a moment is no reason to fail one. */
  readonly ends: readonly InstanceState[];
}

const buildUnder = async (instance: InstanceUuid, { server, script, isForgetful, ends }: Round): Promise<void> => {
  const reconciler = await world.startReconciler();
  server.arm(script);
  await settle(reconciler, instance, isForgetful ? async () => world.startReconciler() : undefined);
  server.disarm();
  expect(ends).toContain((await findRecord(world, instance))?.state);
  await world.expectTrueRecord(instance);
};

/** A build that failed is destroyed, and another instance takes its place: a destroy is to have all its calls. */
const ensureActive = async (reconciler: InstanceReconciler, instance: InstanceUuid): Promise<InstanceUuid> => {
  if ((await findRecord(world, instance))?.state === 'active') return instance;
  await askToDestroy(world, world.host, instance);
  await settle(reconciler, instance);
  await world.expectGone(instance);
  const other = await boot(world, world.host);
  await settle(reconciler, other);
  return other;
};

const destroyUnder = async (built: InstanceUuid, { server, script, isForgetful }: Round): Promise<void> => {
  const reconciler = await world.startReconciler();
  const instance = await ensureActive(reconciler, built);
  await askToDestroy(world, world.host, instance);
  server.arm(script);
  await settle(reconciler, instance, isForgetful ? async () => world.startReconciler() : undefined);
  server.disarm();
  expect(await findRecord(world, instance)).toMatchObject({ state: 'deleted' });
  expect(await world.store.get(world.keys.request(world.host, instance))).toBeUndefined();
  await world.expectGone(instance);
};

const cases = (['libvirt', 'etcd', 'capacity'] as const).flatMap((server) =>
  (['fails', 'reply-lost'] as const).map((mode) => ({ server, mode })),
);

/** What surely is among the calls: otherwise nothing was wrapped. */
const KNOWN_CALLS = {
  libvirt: ['createVolume', 'domainDefineXML', 'create', 'destroy', 'undefineFlags'],
  etcd: ['getMany', 'txn', 'grantLease'],
  capacity: hasPlacementService ? ['send'] : ['getMany'],
} as const;

test.each(cases)(
  'each call to $server $mode once: it settles, the record is true, and nothing is left in the end',
  { timeout: 300_000 },
  async ({ server, mode }) => {
    const faulty = world.faults[server];
    const ends: readonly InstanceState[] = server === 'libvirt' && mode === 'fails' ? ['active', 'error'] : ['active'];
    const hits: string[] = [];
    for (let nth = 1, isOver = false; !isOver; nth += 1) {
      const script = { nth, mode, error: ERRORS[server][mode] };
      const round = { server: faulty, script, isForgetful: nth % 2 === 0, ends };
      isOver = true;
      const instance = await boot(world, world.host);
      for (const run of [buildUnder, destroyUnder]) {
        try {
          await run(instance, round);
        } catch (cause) {
          throw new Error(`${run.name}: call ${nth} to ${server}, ${faulty.hit ?? 'none'}: ${mode}`, { cause });
        }
        if (faulty.hit === undefined) continue;
        hits.push(faulty.hit);
        isOver = false;
      }
    }
    expect(hits).toEqual(expect.arrayContaining([...KNOWN_CALLS[server]]));
  },
);

/** What stands in for Placement for a moment may answer anything. */
const answer = (status: number, text: string): EcomputeError =>
  refusal({ status, headers: {}, text }, { verb: 'read', method: 'GET', path: '/allocations' }, 'http://placement');
const PAGE = '<html><body>On purpose.</body></html>';

test.runIf(hasPlacementService).each([
  ['an error of its own', answer(500, '{"errors":[{"detail":"On purpose."}]}')],
  ['that it does not know us', answer(401, 'Authentication required')],
  ['the page of a proxy', answer(404, PAGE)],
  ['a page for an answer', badReply({ verb: 'read', endpoint: 'x', text: PAGE, cause: new SyntaxError('no JSON') })],
])('a build that is taken up again while Placement answers %s waits, and goes on', async (_what, error) => {
  const stop = new AbortController();
  const build = TASKS.build.steps.map((step) => {
    const run = async (): Promise<void> => stop.abort();
    return step.name === 'start-domain' ? { ...step, run } : step;
  });
  const instance = await boot(world, world.host);
  const first = await world.startReconciler({ ...TASKS, build: { steps: build } });
  await expect(first.activate(instance, stop.signal)).rejects.toThrow('aborted');
  const made = await world.whatExists();
  expect(made).toEqual({ domains: [`${instance} shutoff`], volumes: [`${instance}.img`] });

  const second = await world.startReconciler();
  world.faults.capacity.arm({ nth: 1, mode: 'fails', error: () => error });
  await expect(second.activate(instance, new AbortController().signal)).rejects.toBe(error);
  world.faults.capacity.disarm();
  expect(await findRecord(world, instance)).toMatchObject({ state: 'building', fault: null });
  expect(await world.whatExists()).toEqual(made);
  await settle(second, instance);
  await world.expectTrueRecord(instance);
  expect(await findRecord(world, instance)).toMatchObject({ state: 'active' });
  await askToDestroy(world, world.host, instance);
  await settle(second, instance);
  await world.expectGone(instance);
});
