import { createHash } from 'node:crypto';
import { readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { ImageCache } from '@etcd-compute/agent/images/cache/cache';
import { identifyThisProcess } from '@etcd-compute/agent/process/process-identity';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { holds, randomImage, startImageFixture, unaborted, type ImageFixture } from '../fixtures/image-fixture.js';
import { askToDestroy, boot, startWorld, waitForState, type World } from '../fixtures/agent-world.js';

/** A download that an agent does not live to finish is finished by the next one, from where it was. */
const SIZE = 4_000_000;

const findPart = async (folder: string): Promise<string | undefined> => {
  const name = (await readdir(folder).catch(() => [])).find((candidate) => candidate.endsWith('.part'));
  return name === undefined ? undefined : join(folder, name);
};

const waitForHalf = async (folder: string, sizeBytes: number): Promise<string> =>
  waitFor(
    async () => {
      const path = await findPart(folder);
      return path !== undefined && (await stat(path)).size === Math.floor((sizeBytes - 1) / 2) + 1 ? path : undefined;
    },
    { what: 'half of the image to be there' },
  );

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

describe('an agent that ends in the middle of a download', () => {
  let world: World;
  let agent: Ecompute;
  let cache: string;
  beforeAll(async () => {
    world = await startWorld();
    agent = await world.startAgent({ config: { timeouts: { shutdown: 1, image_stall: 60 } } });
    cache = join(agent.stateDir, 'images');
  });
  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  const serve = async (name: string, content: Buffer): Promise<string> => {
    const path = join(world.dir.path, name);
    await writeFile(path, content);
    world.images.setFile(name, path);
    world.images.setFault(name, 'hang-body', 1);
    return world.images.url(name);
  };
  const requestsOf = (name: string) => world.images.requests.filter((request) => request.name === name);
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    agent.kill(signal);
    expect(await agent.exit()).toEqual(
      signal === 'SIGKILL' ? { code: null, signal: 'SIGKILL' } : { code: 0, signal: null },
    );
  };

  test.each([
    ['SIGKILL', 'raw', (content: Buffer) => content],
    ['SIGTERM', 'raw', (content: Buffer) => content],
    ['SIGKILL', 'packed', gzipSync],
  ] as const)('(%s, %s): each byte is sent once, and the content is right', async (...[signal, kind, pack]) => {
    const name = `${signal}-${kind}`;
    const content = randomImage(SIZE);
    const sent = pack(content);
    const instance = await boot(world, agent.uuid, { image: await serve(name, sent) });
    await waitForHalf(cache, sent.length);
    await end(signal);
    expect(await findPart(cache)).toBeDefined();
    await agent.restart();
    await waitForState(world, instance, 'active');
    const [first, second, ...others] = requestsOf(name);
    expect(others).toEqual([]);
    expect(first).toMatchObject({ status: 200 });
    expect(second).toMatchObject({ status: 206, range: `bytes=${first?.bytes}-` });
    expect((first?.bytes ?? 0) + (second?.bytes ?? 0)).toBe(sent.length);
    expect(await holds(join(cache, `${sha256(content)}.img`), content)).toBe(true);
    expect((await readdir(cache)).filter((left) => left.includes('.part'))).toEqual([]);
    await askToDestroy(world, agent.uuid, instance);
    await waitForState(world, instance, 'deleted');
  });

  test('(twice, and then the image changes): what came of the old one is not used', async () => {
    const url = await serve('changing', randomImage(SIZE));
    const instance = await boot(world, agent.uuid, { image: url });
    await waitForHalf(cache, SIZE);
    world.images.setFault('changing', 'hang', 1);
    await end('SIGKILL');
    await agent.restart();
    await waitFor(() => requestsOf('changing').length === 2, { what: 'the second agent to ask' });
    await end('SIGKILL');
    const content = randomImage(SIZE / 2);
    await serve('changing', content);
    world.images.setFault('changing', undefined);
    await agent.restart();
    await waitForState(world, instance, 'active');
    expect(requestsOf('changing').map(({ status }) => status)).toEqual([200, 0, 200]);
    expect(requestsOf('changing').slice(1)).toMatchObject([
      { range: `bytes=${SIZE / 2}-` },
      { range: `bytes=${SIZE / 2}-` },
    ]);
    expect(await holds(join(cache, `${sha256(content)}.img`), content)).toBe(true);
    await askToDestroy(world, agent.uuid, instance);
    await waitForState(world, instance, 'deleted');
  });
});

/** Half of an image, left by a cache that was closed. */
const leaveHalf = async (fixture: ImageFixture, content: Buffer): Promise<string> => {
  await fixture.write(content);
  fixture.server.setFault('image', 'hang-body', 1);
  const abort = new AbortController();
  const fetched = fixture.fetch(undefined, { signal: abort.signal }).catch((thrown: unknown) => thrown);
  const path = await waitForHalf(fixture.folder, content.length);
  const closed = fixture.cache.close();
  abort.abort(new Error('the agent stops'));
  await closed;
  expect(await fetched).toMatchObject({ message: 'the agent stops' });
  return path;
};

const editNote = async (path: string, change: Record<string, unknown>): Promise<void> => {
  const note: Record<string, unknown> = JSON.parse(await readFile(`${path}.json`, 'utf8'));
  await writeFile(`${path}.json`, JSON.stringify({ ...note, ...change }));
};

const ranges = (fixture: ImageFixture): (string | undefined)[] => fixture.server.requests.map(({ range }) => range);

const fetchAgain = async (fixture: ImageFixture, cache: ImageCache, content: Buffer): Promise<void> => {
  const { path } = await cache.fetch(fixture.url, unaborted());
  expect(await holds(path, content)).toBe(true);
  expect(await fixture.files()).toHaveLength(1);
};

describe('what is left of a download', () => {
  test('counts as far as it was synced after the machine has failed', async () => {
    await using fixture = await startImageFixture();
    const content = randomImage(SIZE);
    const path = await leaveHalf(fixture, content);
    const writer = { ...(await identifyThisProcess()), boot_id: 'the one before' };
    await editNote(path, { syncedBytes: 1_000_000, writer });
    // As file systems do: the length is there, what was not synced is zeros.
    await truncate(path, 1_000_000);
    await truncate(path, SIZE / 2);
    await fetchAgain(fixture, await fixture.reopen(), content);
    expect(ranges(fixture)).toEqual([undefined, 'bytes=1000000-']);
  });

  test('counts as far as it was written when only the process has ended', async () => {
    await using fixture = await startImageFixture();
    const content = randomImage(SIZE);
    const path = await leaveHalf(fixture, content);
    await editNote(path, { syncedBytes: 0, writer: { ...(await identifyThisProcess()), start_ticks: '1' } });
    await fetchAgain(fixture, await fixture.reopen(), content);
    expect(ranges(fixture)).toEqual([undefined, `bytes=${SIZE / 2}-`]);
  });

  test('completely is asked for a last byte, which tells whether it is still the newest', async () => {
    await using fixture = await startImageFixture();
    const content = randomImage(SIZE);
    const path = await leaveHalf(fixture, content);
    await writeFile(path, content);
    await editNote(path, { syncedBytes: SIZE });
    await fetchAgain(fixture, await fixture.reopen(), content);
    expect(ranges(fixture)).toEqual([undefined, `bytes=${SIZE - 1}-`]);
  });

  test('is checked as a whole: what was damaged since does not pass for the image', async () => {
    await using fixture = await startImageFixture();
    const content = randomImage(SIZE);
    const path = await leaveHalf(fixture, content);
    await writeFile(path, randomImage(SIZE / 2));
    const cache = await fixture.reopen();
    const checksum = `sha256:${sha256(content)}`;
    await expect(cache.fetch(fixture.url, { ...unaborted(), checksum })).rejects.toMatchObject({
      code: 'ECOMPUTE_IMAGE_CHECKSUM_WRONG',
    });
    expect(await fixture.files()).toEqual([]);
    expect((await cache.fetch(fixture.url, { ...unaborted(), checksum })).sha256).toBe(sha256(content));
  });

  test.each([
    ['somebody may be writing still', async () => ({ writer: await identifyThisProcess() })],
    ['has no version', async () => ({ etag: null, lastModified: null })],
    ['has a version that only says that it is similar', async () => ({ etag: 'W/"x"' })],
    ['has a note that cannot be read', async () => ({ syncedBytes: 'many' })],
  ] as const)('and %s is not gone on with', async (...[, change]) => {
    await using fixture = await startImageFixture();
    const content = randomImage(SIZE);
    await editNote(await leaveHalf(fixture, content), await change());
    const cache = await fixture.reopen();
    expect(await fixture.files()).toEqual([]);
    await fetchAgain(fixture, cache, content);
    expect(ranges(fixture)).toEqual([undefined, undefined]);
  });

  test('goes after a day, and before when its space is needed', async () => {
    await using fixture = await startImageFixture();
    const path = await leaveHalf(fixture, randomImage(SIZE));
    const cache = await fixture.reopen();
    await utimes(path, Date.now() / 1000, Date.now() / 1000);
    await cache.collectLeftovers(Date.now() + 23 * 3_600_000);
    expect(await fixture.files()).toHaveLength(2);
    await cache.collectLeftovers(Date.now() + 24 * 3_600_000);
    expect(await fixture.files()).toEqual([]);

    await using crowded = await startImageFixture();
    await leaveHalf(crowded, randomImage(SIZE));
    const full = await crowded.reopen(10_000, { keep_free: 1_000_000_000 });
    await expect(full.fetch(crowded.server.url('other/image'), unaborted())).rejects.toMatchObject({
      code: 'ECOMPUTE_IMAGE_NO_SPACE',
    });
    expect(await crowded.files()).toEqual([]);
  });
});
