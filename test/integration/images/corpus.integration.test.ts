import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startAgent, type Agent } from '@etcd-compute/agent/lifecycle/agent';
import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { newProviderUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import { connect, type Connection } from '@etcd-compute/libvirt/connection';
import { parseStorageVolume } from '@etcd-compute/libvirt/xml/storage-volume';
import { startImageServer, type ImageServer } from '@etcd-compute/testing/image-server';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { file, bootSector, qcow2 } from '../../../packages/common/test/images/bad-images.js';
import { randomImage } from '../fixtures/image-fixture.js';
import { askToDestroy, boot, heldBy, rawImage, startWorld, waitForState, type World } from '../fixtures/agent-world.js';
import { makeRefusedImages, MAX_BYTES, type RefusedImage, type Section } from '../fixtures/refused-images.js';
import { startTls } from '../fixtures/tls-image-server.js';

/**
 * Boots everything that must be refused, and looks at what is said and what is left. The agent runs in this process, because
 * `test:///default` is one host per process: so its domains and volumes can be looked at.
 */
let world: World;
let agent: Agent;
let libvirt: Connection;
let images: ImageServer;
let sections: Section[];
let cache: string;
const host = newProviderUuid();
const open: AsyncDisposable[] = [];

/** The only address of an image server here that may be asked. */
const ALLOWED = '127.0.0.9';

beforeAll(async () => {
  world = await startWorld();
  const redirects: Record<string, string> = {
    'to the metadata of a cloud': 'http://169.254.169.254/latest/meta-data',
    'to the host itself': 'http://127.0.0.1/x',
    'to a name of the host itself': 'http://localhost/x',
    'to a file': 'file:///etc/passwd',
    'to a password': 'http://me:secret@mirror.example/x',
  };
  images = await startImageServer({}, { host: ALLOWED, redirects });
  redirects['in a circle'] = images.url('in a circle');
  const tls = await startTls(world.dir.path, { status: 302, location: images.url('good'), host: ALLOWED });
  open.push(images, tls);
  const byRedirect = Object.keys(redirects).map((name) => [`a redirect ${name}`, images.url(name)]);
  sections = await makeRefusedImages({
    dir: world.dir.path,
    redirects: Object.fromEntries([...byRedirect, ['a redirect from https to http', tls.url]]),
  });
  const stateDir = join(world.dir.path, 'state');
  cache = join(stateDir, 'images');
  const config = agentConfigSchema.parse({
    uuid: host,
    name: host,
    state_dir: stateDir,
    etcd: { host: world.etcd.host, port: world.etcd.port },
    placement: world.placement.section,
    libvirt: { uri: 'test:///default' },
    network: { cidr: '10.45.0.0/22' },
    images: { allow_private: [ALLOWED], max_size: MAX_BYTES / 2 ** 30, ca_cert: tls.ca },
    timeouts: { image_stall: 2, shutdown: 5 },
    inventory: {
      VCPU: { allocation_ratio: 1000 },
      MEMORY_MB: { allocation_ratio: 100 },
      DISK_GB: { allocation_ratio: 100 },
    },
  });
  agent = await startAgent({ config, log: silentLogger(), signal: new AbortController().signal });
  libvirt = await connect('test:///default');
});
afterAll(async () => {
  await agent.stop();
  await libvirt.close();
  for (const server of open) await server[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const serve = async (name: string, content: Buffer | string): Promise<string> => {
  const path = join(world.dir.path, encodeURIComponent(name));
  await writeFile(path, content);
  images.setFile(name, path);
  return images.url(name);
};

const nameOf = ({ what }: RefusedImage): string => what.replace(/^.* named /, '');

const bootImage = async (image: RefusedImage): Promise<InstanceUuid> => {
  const name = nameOf(image);
  const url = image.url ?? (await serve(name, image.content ?? rawImage()));
  if (image.fault !== undefined) images.setFault(name, image.fault);
  const list = image.list?.replaceAll('$NAME', name);
  const checksum = list === undefined ? image.checksum : await serve(`SUMS of ${name}`, list);
  return boot(world, host, { image: url, checksum });
};

/** What exists of instances, by instance. (The test driver has a domain `test` of its own.) */
const whatExists = async (): Promise<string[]> => {
  const found: string[] = [];
  for (const domain of await libvirt.listAllDomains()) {
    await using handle = domain;
    if (handle.name !== 'test') found.push(`domain ${handle.uuid}`);
  }
  await using pool = await libvirt.storagePoolLookupByName('ecompute');
  for (const volume of await pool.listAllVolumes()) {
    await using handle = volume;
    found.push(`volume ${handle.name}`);
  }
  return found;
};

const cached = async (): Promise<string[]> => (await readdir(cache)).filter((name) => name !== 'urls').toSorted();
const remembered = async (): Promise<string[]> => readdir(join(cache, 'urls'));

/** What differs from machine to machine and from time to time: ports, addresses, words of other programs and of the network. */
const anonymize = (text: string, { url }: RefusedImage): string =>
  text
    .replaceAll(/(https?):\/\/127\.0\.0\.9:\d+(\/[^ ",:]*)?/g, (_all, scheme: string, path: string) =>
      url === undefined ? `${scheme}://mirror.example/x` : `${scheme}://mirror.example${path}`,
    )
    .replace(/(could not find the checksum of) "[^"]*"/, '$1 "x"')
    .replaceAll(/\b([0-9a-f]{8})[0-9a-f]{56,120}\b/g, '$1...')
    .replace(/(localhost is at .*) \([^)]*\)$/, '$1 (127.0.0.1)')
    .replace(/(: \w+ says: ).*$/, '$1...')
    .replace(/(sent nothing for \d+ s): .*$/, '$1')
    .replace(/(could not download [^ ]*x: )(aborted|read ECONNRESET|socket hang up)$/, '$1aborted');

interface Answer {
  readonly image: RefusedImage;
  readonly code: string;
  readonly message: string;
}

/** More at a time only compete for the same generation in Placement. */
const LANES = 6;

const refuse = async (image: RefusedImage): Promise<Answer> => {
  const instance = await bootImage(image);
  const { fault, transitions } = await waitForState(world, instance, 'error');
  expect(fault).toMatchObject({ step: 'fetch-image', hint: expect.stringMatching(/\w/) });
  expect(transitions.map(({ state }) => state)).toEqual(['scheduled', 'building', 'error']);
  expect(await heldBy(world, instance)).toEqual({});
  expect((await whatExists()).filter((name) => name.includes(instance))).toEqual([]);
  return { image, code: fault?.code ?? '', message: anonymize(fault?.message ?? '', image) };
};

const renderTable = (rows: readonly (readonly string[])[]): string => {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll('|', String.raw`\|`)));
  const widths = (cells[0] ?? []).map((_cell, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[], fill = ' '): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0, fill)).join(' | ')} |`;
  const [head = [], ...body] = cells;
  return [
    line(head),
    line(
      head.map(() => ''),
      '-',
    ),
    ...body.map((row) => line(row)),
  ].join('\n');
};

const INTRODUCTION = `# Refused images

What was booted, and what the instance's record then said. Each left nothing behind: no file in the image cache and no memory of its URL, no
volume in the storage pool, no domain, no allocation. (One is a good image for a larger disk, and stays in the cache.) This page is made by
\`test/integration/images/corpus.integration.test.ts\`, which fails when it is not true: \`npx vitest run --project integration
images/corpus --update\` writes it anew. Instances may have 1 GiB here, and images 16 MiB.
`;

const code = (text: string): string => `\`${text}\``;

const renderPage = (answers: ReadonlyMap<Section, readonly Answer[]>): string =>
  [
    INTRODUCTION,
    ...[...answers].map(
      ([{ title }, of]) =>
        `## ${title}\n\n${renderTable([
          ['what', 'code', 'what was said'],
          ...of.map(({ image, code: said, message }) => [
            image.url === image.what ? code(image.what) : image.what,
            said.replace('ECOMPUTE_IMAGE_', ''),
            code(message),
          ]),
        ])}\n`,
    ),
  ].join('\n');

describe('what is refused', () => {
  test('is told, and leaves nothing; docs/refused-images.md says the same', async () => {
    const inTurn = pLimit(LANES);
    const answers = new Map<Section, Answer[]>();
    await Promise.all(
      sections.map(async (section) => {
        answers.set(section, []);
        answers.set(section, await Promise.all(section.images.map(async (image) => inTurn(refuse, image))));
      }),
    );
    const kept = sections.flatMap((section) => section.images).filter(({ isKept }) => isKept);
    const keptNames = kept.map(({ content = '' }) => `${createHash('sha256').update(content).digest('hex')}.img`);
    expect(await cached()).toEqual(keptNames.toSorted());
    expect(await remembered()).toHaveLength(kept.length);
    expect(await whatExists()).toEqual([]);
    await expect(renderPage(answers)).toMatchFileSnapshot('../../../docs/refused-images.md');
  }, 300_000);
});

describe('what is taken', () => {
  test.each([
    ['qcow2', 'disk.raw', qcow2()],
    ['raw', 'disk.qcow2', file(1_048_576, bootSector)],
    // What a guest may write into its own disk: it stays what it was when it was fetched.
    ['raw', 'disk.img', file(1_048_576, bootSector, [512, 'QFI\u00fb'])],
  ] as const)('is %s whatever its name says: %s; nobody guesses', async (...[format, name, content]) => {
    const instance = await boot(world, host, { image: await serve(name, content) });
    await waitForState(world, instance, 'active');
    await using pool = await libvirt.storagePoolLookupByName('ecompute');
    await using volume = await pool.lookupVolume(`${instance}.img`);
    const { backing } = parseStorageVolume(await volume.getXMLDesc());
    expect(backing?.format).toBe(format);
    await using domain = await libvirt.domainLookupByUUID(instance);
    expect(await domain.getXMLDesc()).toMatch(/<driver [^>]*type=['"]qcow2['"]/);
    await askToDestroy(world, host, instance);
    await waitForState(world, instance, 'deleted');
    expect(await whatExists()).toEqual([]);
  });

  test('is sent once for thirty who boot it at the same time', async () => {
    const content = randomImage(3_000_000);
    const image = await serve('storm', content);
    const instances = await Promise.all(Array.from({ length: 30 }, async () => boot(world, host, { image })));
    for (const instance of instances) await waitForState(world, instance, 'active');
    const requests = images.requests.filter(({ name }) => name === 'storm');
    // Who comes when it is there asks whether it is the newest.
    expect(requests.filter(({ status }) => status !== 304)).toMatchObject([{ status: 200 }]);
    expect(requests.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(content.length);
    for (const instance of instances) await askToDestroy(world, host, instance);
    for (const instance of instances) await waitForState(world, instance, 'deleted');
    expect(await whatExists()).toEqual([]);
  });
});
