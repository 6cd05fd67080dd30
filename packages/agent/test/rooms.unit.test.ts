import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

/** The order of the rooms is the one that CONTRIBUTING.md tells, so that both stay true. */

const ROOT = join(import.meta.dirname, '../../..');
const SOURCE = join(ROOT, 'packages/agent/src');

const wordsIn = (text: string): string[] => [...text.matchAll(/`([a-z0-9-]+)`/g)].map(([, word = '']) => word);

const readRows = async (): Promise<{ rooms: string; holds: string }[]> => {
  const contributing = await readFile(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
  const [, table = ''] = contributing.split(/^\| room .*\n\| -.*\n/m);
  return [...table.matchAll(/\| (`.*?) +\| (.*?) +\|\n/gy)].map(([, rooms = '', holds = '']) => ({ rooms, holds }));
};

const rows = await readRows();
const ROOMS = rows.flatMap(({ rooms }) => wordsIn(rooms));
const IMAGE_ROOMS = wordsIn(rows.find(({ rooms }) => rooms === '`images`')?.holds ?? '');

const foldersIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { withFileTypes: true })).map(({ name }) => name);

/** `<file>: <what it imports>`, for each import that leads from a room to one that is not before it. */
const findBackwardImports = async (folder: string, order: readonly string[]): Promise<string[]> => {
  const files = await readdir(folder, { recursive: true });
  const found = files
    .filter((file) => file.endsWith('.ts'))
    .map(async (file) => {
      const [room = '', ...inside] = file.split('/');
      const up = '../'.repeat(inside.length);
      const imported = [...(await readFile(join(folder, file), 'utf8')).matchAll(/ from '(.*)'/g)]
        .map(([, path = '']) => path)
        .filter((path) => path.startsWith(up) && !path.startsWith(`${up}../`));
      return imported
        .filter((path) => order.indexOf(path.slice(up.length).split('/')[0] ?? '') >= order.indexOf(room))
        .map((path) => `${file}: ${path}`);
    });
  return (await Promise.all(found)).flat();
};

describe.each([
  ['packages/agent/src', SOURCE, ROOMS],
  ['packages/agent/src/images', join(SOURCE, 'images'), IMAGE_ROOMS],
])('the rooms of %s', (_name, folder, order) => {
  test('are those that CONTRIBUTING.md lists', async () => {
    expect((await foldersIn(folder)).toSorted()).toEqual(order.toSorted());
  });

  test('import only from those before them', async () => {
    expect(await findBackwardImports(folder, order)).toEqual([]);
  });
});
