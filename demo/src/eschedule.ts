import { chmod, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '@etcd-compute/testing/run-command';
import { z } from 'zod';
import type { Folders } from './folders.js';

/** An instance as `eschedule -o json` prints it: what of it the demo uses. */
const instanceSchema = z.object({
  instance: z.string(),
  name: z.string().nullable(),
  host: z.string(),
  hostName: z.string().nullable(),
  state: z.string(),
  addresses: z.array(z.object({ address: z.string() })),
  fault: z.object({ message: z.string(), hint: z.string().nullable() }).nullable(),
});
export type Instance = z.output<typeof instanceSchema>;

const WRAPPER = 'eschedule';

/** `.demo/eschedule`: the command line as it is, with this demo's config. */
export const writeWrapper = async ({ dir }: Folders): Promise<void> => {
  const program = fileURLToPath(import.meta.resolve('@etcd-compute/scheduler/eschedule.cjs'));
  const words = [process.execPath, program, '--config', scheduleConfigPath(dir)].map(quote);
  const path = join(dir, WRAPPER);
  await writeFile(path, `#!/bin/sh\n# eschedule, with the demo's config.\nexec ${words.join(' ')} "$@"\n`);
  await chmod(path, 0o755);
};

export const scheduleConfigPath = (dir: string): string => join(dir, 'schedule.yaml');

/** A word for a POSIX shell; as it is when it needs nothing. */
export const quote = (word: string): string =>
  /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** A file as a person in the clone types it. */
export const typedPath = ({ root }: Folders, path: string): string => {
  const inside = relative(root, path);
  return inside.startsWith('..') ? path : inside;
};

/** The wrapper as a person in the clone types it. */
export const typedWrapper = (folders: Folders): string => quote(typedPath(folders, join(folders.dir, WRAPPER)));

/** The instances there are, other than deleted ones. */
export const listInstances = async (folders: Folders): Promise<Instance[]> =>
  z.array(instanceSchema).parse(JSON.parse(await eschedule(folders, ['list', '-o', 'json'])));

export const showInstance = async (folders: Folders, uuidOrName: string): Promise<Instance> =>
  instanceSchema.parse(JSON.parse(await eschedule(folders, ['show', uuidOrName, '-o', 'json'])));

/** @throws with what eschedule said. */
export const eschedule = async ({ dir }: Folders, args: readonly string[]): Promise<string> => {
  const { stdout } = await runCommand([join(dir, WRAPPER), ...args], {
    timeoutMs: 660_000, // longer than its own longest wait
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ESCHEDULE_'))),
  });
  return stdout;
};
