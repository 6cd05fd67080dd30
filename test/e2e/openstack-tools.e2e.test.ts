import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOpenstackCloud, type OpenstackCloud } from './openstack-cloud.js';

/** The commands of docs/openstack-tools.md, in their order, as somebody types them. */
const page = await readFile(join(import.meta.dirname, '../../docs/openstack-tools.md'), 'utf8');
const commands = [...page.matchAll(/^```console\n(.*?)^```/gms)].flatMap(([, block = '']) =>
  block
    .split('\n')
    .filter((line) => line.startsWith('$ '))
    .map((line) => line.slice(2)),
);

let cloud: OpenstackCloud;
beforeAll(async () => {
  cloud = await startOpenstackCloud();
});
afterAll(async () => cloud[Symbol.asyncDispose]());

test('all of them work', async () => {
  expect(commands.length).toBeGreaterThan(10);
  for (const command of commands) expect({ command, said: await cloud.sh(command) }).toMatchObject({ command });
});
