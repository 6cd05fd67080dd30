import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { apiConfigSchema } from '@etcd-compute/api/server/config';
import { loadConfig } from '@etcd-compute/common/config/load';
import { serverConfigSchema } from '@etcd-compute/placement/server/config';
import { scheduleSchema } from '@etcd-compute/scheduler/config';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const configs = join(import.meta.dirname, '../../../configs');

const samples = [
  { file: 'compute.yaml', schema: agentConfigSchema },
  { file: 'eapi.yaml', schema: apiConfigSchema },
  { file: 'eplacement.yaml', schema: serverConfigSchema },
  { file: 'schedule.yaml', schema: scheduleSchema },
] as const;

/** A setting at its default is a line with `#` and no single space after it; a comment has the space. */
const enableEverySetting = (text: string): string => text.replaceAll(/^( *)#(?! \S)(?=.)/gm, '$1');

const member = (tree: unknown, key: string): unknown =>
  typeof tree === 'object' && tree !== null ? Reflect.get(tree, key) : undefined;

const get = (tree: unknown, path: string): unknown => path.split('.').reduce(member, tree);

/** `etcd.host`, `inventory.VCPU.reserved`, ... of every leaf that a JSON schema knows. */
const listKeys = (jsonSchema: unknown, path = ''): string[] => {
  const properties = member(jsonSchema, 'properties');
  if (typeof properties !== 'object' || properties === null) return [path];
  return Object.entries(properties).flatMap(([key, inner]) => listKeys(inner, path === '' ? key : `${path}.${key}`));
};

const load = async (schema: (typeof samples)[number]['schema'], path: string): Promise<unknown> =>
  loadConfig({ schema, file: { path, isRequired: true }, envPrefix: 'NOT_SET', env: {} });

describe.each(samples)('configs/$file', ({ file, schema }) => {
  test('loads, and sets nothing but what it says it sets', async () => {
    await using dir = await makeTempDir('samples-');
    const empty = join(dir.path, 'empty.yaml');
    await writeFile(empty, '');
    expect(await load(schema, join(configs, file))).toEqual(await load(schema, empty));
  });

  test('has every key of the schema, with its default when it has one', async () => {
    await using dir = await makeTempDir('samples-');
    const all = join(dir.path, file);
    const empty = join(dir.path, 'empty.yaml');
    const text = enableEverySetting(await readFile(join(configs, file), 'utf8'));
    await writeFile(all, text);
    await writeFile(empty, '');
    const written: unknown = parse(text);
    const sample = await load(schema, all);
    const defaults = await load(schema, empty);

    const keys = listKeys(schema.toJSONSchema({ io: 'input', unrepresentable: 'any' }));
    expect(keys).toContain('etcd.host');
    expect(keys.filter((key) => get(written, key) === undefined)).toEqual([]);
    // The one default that is not the same everywhere: this machine's host name.
    for (const key of keys.filter((key) => get(defaults, key) !== undefined && key !== 'name'))
      expect({ [key]: get(sample, key) }).toEqual({ [key]: get(defaults, key) });
  });
});
