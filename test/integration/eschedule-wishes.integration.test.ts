import { bootRequestSchema } from '@etcd-compute/common/etcd/messages/boot-request';
import type { InstanceState } from '@etcd-compute/common/etcd/messages/instance-record';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseJson, startCloud, type TestCloud } from './eschedule-fixture.js';

/** What is asked of an instance that is built, as it stands in etcd. */
let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterEach(async () => cloud.reset());
afterAll(async () => cloud.stop());

const bootTo = async (state: InstanceState): Promise<InstanceUuid> => {
  await cloud.addHost({ name: 'one' });
  const { stdout } = await cloud.eschedule(['boot', '--name', 'web', '--no-wait', '-o', 'json']);
  const { instance }: { instance: InstanceUuid } = JSON.parse(stdout);
  await cloud.report(instance, 'building');
  await cloud.report(instance, 'active');
  await cloud.report(instance, state);
  return instance;
};

const ask = async (...argv: string[]): Promise<void> => {
  expect(await cloud.eschedule([...argv, '--no-wait'])).toMatchObject({ code: 0, stdout: '' });
};

const wishes = async (): Promise<unknown> => {
  const [request] = await cloud.listRequests();
  return bootRequestSchema.parse(request?.value).wishes;
};

describe('wishes', () => {
  test('are counted on; a newer one about the same replaces those that wait', async () => {
    const instance = await bootTo('active');
    await ask('stop', 'web', '--hard');
    expect(await wishes()).toEqual([{ count: 1, kind: 'stop', args: { hard: true } }]);
    await ask('suspend', 'web');
    expect(await wishes()).toEqual([{ count: 2, kind: 'suspend', args: {} }]);
    await cloud.report(instance, 'suspended', { wish_count: 2 });
    await ask('resume', 'web');
    expect(await wishes()).toEqual([{ count: 3, kind: 'resume', args: {} }]);
  });

  test.each([
    ['pause', 'stopped', 'can be paused only when it is active'],
    ['pause', 'suspended', 'can be paused only when it is active'],
    ['suspend', 'stopped', 'can be suspended only when it is active or suspended'],
    ['resume', 'stopped', 'can be resumed only when it is active or suspended'],
  ] as const)('%s of one that is %s is refused, and says when it can be', async (kind, state, reason) => {
    const instance = await bootTo(state);
    expect(await cloud.eschedule([kind, 'web'])).toEqual({
      code: 1,
      stdout: '',
      stderr: `eschedule: instance web (${instance}) is ${state}, and ${reason}\n`,
    });
    expect(await wishes()).toBeUndefined();
  });

  test('one that fails says why, and the instance stays as it is', async () => {
    const instance = await bootTo('active');
    const { finished } = cloud.run(['suspend', 'web']);
    await waitFor(async () => (await wishes()) !== undefined, { what: 'the wish' });
    const fault = {
      code: 'ECOMPUTE_DOMAIN_FAILED',
      message: 'could not save it',
      step: 'save-memory',
      hint: 'is there room?',
      retryable: false,
    };
    const outcome = { count: 1, kind: 'suspend', at: '2026-01-02T03:04:05.000Z', fault };
    await cloud.report(instance, 'active', { wish_count: 1, outcomes: [outcome] });
    expect(await finished).toEqual({
      code: 1,
      stdout: '',
      stderr: `eschedule: instance ${instance}: could not save it\nhint: is there room?; see \`eschedule show ${instance}\`\n`,
    });
    const { stdout } = await cloud.eschedule(['show', 'web']);
    expect(stdout).toContain('could not save it');
    const shown = parseJson((await cloud.eschedule(['show', 'web', '-o', 'json'])).stdout);
    expect(shown).toMatchObject({
      state: 'active',
      fault: null,
      outcomes: [{ kind: 'suspend', fault: { hint: 'is there room?' } }],
    });
  });
});
