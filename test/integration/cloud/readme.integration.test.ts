/** The example of packages/cloud/README.md is a program that works. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createCloud } from '@etcd-compute/cloud';
import { runCommand } from '@etcd-compute/testing/run-command';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorld, type World } from '../fixtures/agent-world.js';

const README = new URL('../../../packages/cloud/README.md', import.meta.url);
/** Inside a package that depends on all that it imports. */
const PROGRAM = new URL('../../../packages/scheduler/dist/readme-example.mjs', import.meta.url);

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await rm(PROGRAM, { force: true });
  await world[Symbol.asyncDispose]();
});

const readExample = async (): Promise<string> => {
  const [, example] = /```js\n(.*?)```/s.exec(await readFile(README, 'utf8')) ?? [];
  if (example === undefined) throw new Error('the README of packages/cloud has no example in JavaScript');
  return example;
};

test('the ten lines of the README boot a guest', async () => {
  const agent = await world.startAgent({ config: { placement: 'etcd' } });
  const example = await readExample();
  expect(example.trimEnd().split('\n')).toHaveLength(10);
  const program = example
    .replace("{ host: 'localhost', port: 2379 }", JSON.stringify({ host: world.etcd.host, port: world.etcd.port }))
    .replace("'http://localhost/guest.img'", JSON.stringify(world.imageUrl));
  expect(program).not.toContain('localhost');
  await writeFile(PROGRAM, program);
  const { stdout } = await runCommand([process.execPath, PROGRAM.pathname], { timeoutMs: 180_000 });
  expect(stdout).toContain("type: 'placed'");
  const cloud = createCloud({ store: world.store, capacity: world.capacity });
  expect(await cloud.get('web')).toMatchObject({ name: 'web', state: 'active', host: agent.uuid });
});
