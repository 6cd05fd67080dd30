import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askToDestroy, boot, rawImage, startWorld, waitForState, type World } from '../fixtures/agent-world.js';
import { start } from '../fixtures/eschedule-fixture.js';

/** `eschedule image` and two agents, who meet in etcd only; and `eschedule boot --checksum`. */
let world: World;
let agents: readonly Ecompute[];
let configPath: string;

beforeAll(async () => {
  world = await startWorld();
  agents = await Promise.all(
    ['image-host-1', 'image-host-2'].map(async (name) =>
      world.startAgent({
        config: {
          name,
          images: { allow_private: ['127.0.0.1'] },
          // So long is an image kept that was just given to a boot.
          timeouts: { disk: 15 },
          period: 1,
        },
      }),
    ),
  );
  configPath = join(world.dir.path, 'schedule.yaml');
  const { etcd, placement } = world;
  await writeFile(
    configPath,
    JSON.stringify({ etcd: { host: etcd.host, port: etcd.port }, placement: placement.section }),
  );
});
afterAll(async () => {
  for (const agent of agents) await agent[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const eschedule = async (...argv: string[]) => start([...argv, '--config', configPath], world.dir.path).finished;

const listJson = async (...argv: string[]): Promise<unknown> => {
  const { code, stdout, stderr } = await eschedule(...argv, '-o', 'json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
};

const cachedOn = async (agent: Ecompute): Promise<string[]> =>
  (await readdir(join(agent.stateDir, 'images'))).filter((name) => name !== 'urls');

const sha256 = createHash('sha256').update(rawImage()).digest('hex');

/** What is asked for and answered does not stay. */
const expectNoWishes = async (): Promise<void> => {
  const { entries } = await world.store.list('/images/');
  expect(entries.map(({ key }) => key.split('/').at(-1))).toEqual(['report', 'report']);
};

describe('eschedule image', () => {
  test('prefetch fetches on the host that is named, list shows it, rm forgets it', async () => {
    const fetched = await listJson('image', 'prefetch', world.imageUrl, '--host', 'image-host-1');
    expect(fetched).toMatchObject([
      { hostName: 'image-host-1', state: 'done', detail: `sha256:${sha256}, a disk of 4 KiB` },
    ]);
    expect(await Promise.all(agents.map(cachedOn))).toEqual([[`${sha256}.img`], []]);
    expect(await listJson('image', 'list')).toMatchObject([
      { digest: `sha256:${sha256}`, hostName: 'image-host-1', disks: 0, urls: [world.imageUrl] },
    ]);
    expect(await listJson('image', 'list', '--host', 'image-host-2')).toEqual([]);
    expect(await listJson('image', 'rm', world.imageUrl)).toMatchObject([
      { hostName: 'image-host-1', detail: 'removed' },
      { hostName: 'image-host-2', detail: 'it was not there' },
    ]);
    expect(await Promise.all(agents.map(cachedOn))).toEqual([[], []]);
    expect(await listJson('image', 'list')).toEqual([]);
    await expectNoWishes();
  });

  test('prefetch tells what every host says, and fails when one failed', async () => {
    const { code, stdout, stderr } = await eschedule('image', 'prefetch', 'http://127.0.0.2:1/x');
    expect(code).toBe(1);
    expect(stdout.match(/failed +could not use the image URL "http:\/\/127\.0\.0\.2:1\/x"/g)).toHaveLength(2);
    expect(stderr).toContain('could not fetch the image http://127.0.0.2:1/x on image-host-1, image-host-2');
    await expectNoWishes();
  });

  test('prefetch heeds the checksum', async () => {
    const wrong = await eschedule('image', 'prefetch', world.imageUrl, '--checksum', `sha256:${'0'.repeat(64)}`);
    expect(wrong.code).toBe(1);
    expect(wrong.stdout).toContain(`its checksum is sha256:${sha256}, not`);
    expect(await Promise.all(agents.map(cachedOn))).toEqual([[], []]);
  });

  test('rm leaves an image that a disk is on', async () => {
    const [agent] = agents;
    const instance = await boot(world, agent?.uuid ?? '');
    await waitForState(world, instance, 'active');
    const inUse = await eschedule('image', 'rm', `sha256:${sha256}`);
    expect(inUse.code).toBe(1);
    expect(inUse.stdout).toContain('1 disk is on it');
    expect(inUse.stderr).toContain('destroy the instances first');
    await askToDestroy(world, agent?.uuid ?? '', instance);
    await waitForState(world, instance, 'deleted');
    await waitFor(async () => (await eschedule('image', 'rm', `sha256:${sha256}`)).code === 0, {
      what: 'the grace of an image that was just given to a boot to be over',
    });
    expect(await Promise.all(agents.map(cachedOn))).toEqual([[], []]);
  });

  test('a wish that an agent did not live to carry out is carried out by the next one', async () => {
    const [agent] = agents;
    world.images.setFault('tiny', 'hang', 1);
    const running = start(
      ['image', 'prefetch', world.imageUrl, '--host', 'image-host-1', '--config', configPath, '-o', 'json'],
      world.dir.path,
    );
    const before = world.images.requests.length;
    await waitFor(() => world.images.requests.length > before, { what: 'the agent to ask the server' });
    agent?.kill('SIGKILL');
    await agent?.exit();
    await agent?.restart();
    const { code, stdout } = await running.finished;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ hostName: 'image-host-1', state: 'done' }]);
    await expectNoWishes();
  });

  test.each([
    [['image'], 'image needs list | prefetch <image> | rm <image or sha256:...>'],
    [['image', 'lost'], "image does not know 'lost'"],
    [['image', 'list', 'x'], "image list does not take 'x'"],
    [['image', 'prefetch'], 'image prefetch needs an image'],
    [['image', 'prefetch', `sha256:${sha256}`], 'is not usable'],
    [['image', 'rm', 'ftp://x'], "the image 'ftp://x' is not usable"],
    [['image', 'rm', 'http://x', '--checksum', `sha256:${sha256}`], '--checksum goes with prefetch'],
    [['boot', '--checksum', 'sha256:abc'], "--checksum 'sha256:abc' is not usable"],
    [['boot', '--checksum', 'ftp://x/SHA256SUMS'], "--checksum 'ftp://x/SHA256SUMS' is not usable"],
  ])('%j is refused before anything is asked', async (...[argv, reason]) => {
    const { code, stderr } = await eschedule(...argv);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(reason) });
  });
});

describe('eschedule boot --checksum', () => {
  test('boots the right image; the wrong one fails the build, and says both checksums', async () => {
    const small = ['--memory', '64', '--disk', '1', '--image', world.imageUrl];
    const wrong = await eschedule('boot', ...small, '--checksum', `sha256:${'a'.repeat(64)}`);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain(`its checksum is sha256:${sha256}, not sha256:aaaa`);
    const { code, stdout } = await eschedule('boot', ...small, '--checksum', `sha256:${sha256}`, '-o', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'active' });
  });

  test('takes the list that the mirror publishes, and the log says that the image is in it', async () => {
    const path = join(world.dir.path, 'SHA256SUMS');
    await writeFile(path, `${sha256}  tiny\n`);
    world.images.setFile('SHA256SUMS', path);
    const list = world.images.url('SHA256SUMS');
    const { code } = await eschedule('image', 'prefetch', world.imageUrl, '--checksum', list);
    expect(code).toBe(0);
    for (const agent of agents)
      await agent.waitForLog('image verified by a list of checksums', ({ verifiedBy }) => verifiedBy === list);
    const small = ['--memory', '64', '--disk', '1', '--image', world.imageUrl];
    expect((await eschedule('boot', ...small, '--checksum', list)).code).toBe(0);
    await writeFile(path, `${sha256}  other\n`);
    const refused = await eschedule('boot', ...small, '--checksum', list);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`could not find the checksum of "tiny"`);
  });
});
