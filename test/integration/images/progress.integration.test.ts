import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { imageDownloadsSchema } from '@etcd-compute/common/etcd/messages/image-downloads';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { runCommand } from '@etcd-compute/testing/run-command';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  boot,
  hostOf,
  rawImage,
  startWorld,
  waitForRecord,
  waitForState,
  type World,
} from '../fixtures/agent-world.js';
import { PROGRAM, start } from '../fixtures/eschedule-fixture.js';

/** How far a download is, from the agent to who waits for it. */
const SIZE = 2_097_152;
let world: World;
let agent: Ecompute;
let config: string;

beforeAll(async () => {
  world = await startWorld();
  config = join(world.dir.path, 'schedule.yaml');
  const etcd = { host: world.etcd.host, port: world.etcd.port };
  await writeFile(config, JSON.stringify({ etcd, placement: world.placement.section }));
  const inventory = { VCPU: { allocation_ratio: 100 } };
  agent = await world.startAgent({ config: { name: 'one', inventory, timeouts: { image_stall: 4 } } });
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

/** An image that the server stops sending in its middle, twice, until the agent asks again after 4 s. */
const serveSlowly = async (name: string): Promise<string> => {
  const path = join(world.dir.path, name);
  await writeFile(path, rawImage(SIZE, 7));
  world.images.setFile(name, path);
  world.images.setFault(name, 'hang-body', 2);
  return world.images.url(name);
};

const told = async (): Promise<unknown> => {
  const entry = await world.store.get(world.keys.imageDownloads(hostOf(agent)));
  return entry && imageDownloadsSchema.parse(JSON.parse(entry.value)).downloads;
};

const recordRevisions = async (instances: readonly InstanceUuid[]): Promise<(string | undefined)[]> => {
  const { entries } = await world.store.getMany(
    instances.map((instance) => world.keys.report(hostOf(agent), instance)),
  );
  return entries.map((entry) => entry?.modRevision);
};

test('it is told once for all who wait on a host, show says it, and the records stay as they are', async () => {
  const image = await serveSlowly('shared');
  const instances = [await boot(world, agent.uuid, { image }), await boot(world, agent.uuid, { image })];
  const [first = ''] = instances;
  for (const instance of instances) await waitForRecord(world, instance, ({ step }) => step?.name === 'fetch-image');
  const before = await recordRevisions(instances);
  const downloads = await waitFor(told, { what: 'the download to be told' });
  expect(downloads).toMatchObject([{ image, phase: 'downloading', total_bytes: SIZE }]);
  const shown = await waitFor(
    async () => {
      const { stdout } = await start(['show', first, '--config', config], world.dir.path).finished;
      return stdout.includes('fetch-image since') ? stdout : undefined;
    },
    { what: 'the step to be shown' },
  );
  expect(shown).toMatch(/step: +fetch-image since .*, \[#+-+\] .* (K|M)iB of 2 MiB/);
  expect(await recordRevisions(instances)).toEqual(before);
  // It goes on where it hung.
  for (const instance of instances) await waitForState(world, instance, 'active');
  await waitFor(async () => (await told()) === undefined, { what: 'the downloads to be forgotten' });
});

test('eschedule boot --wait shows it on a terminal', async () => {
  const image = await serveSlowly('watched');
  const argv = ['boot', '--wait', '--name', 'web', '--image', image, '--config', config];
  const command = [process.execPath, PROGRAM, ...argv].join(' ');
  const { stdout } = await runCommand(['script', '--quiet', '--return', '--command', command, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm' },
  });
  expect(stdout).toMatch(/web: building on one: fetch-image \[#+-+\] .* (K|M)iB of 2 MiB/);
});

test('what is told is under the lease of the agent, and goes with it', async () => {
  const image = await serveSlowly('cut-off');
  await boot(world, agent.uuid, { image });
  await waitFor(told, { what: 'the download to be told' });
  const entry = await world.store.get(world.keys.imageDownloads(hostOf(agent)));
  const presence = await world.store.get(world.keys.agent(hostOf(agent)));
  expect(entry?.lease).toBe(presence?.lease);
});
