import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig, readSecretFile } from '@etcd-compute/common/config/load';
import { etcdSection, placementSection } from '@etcd-compute/common/config/sections';
import { EcomputeError } from '@etcd-compute/common/errors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';

const schema = z.strictObject({
  name: z.string().default('nobody'),
  resize: z.boolean().default(true),
  hosts: z.array(z.url()).default([]),
  inventory: z
    .strictObject({ VCPU: z.strictObject({ reserved: z.int().min(0).default(0) }).prefault({}) })
    .prefault({}),
  etcd: etcdSection,
  placement: placementSection,
});

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'load-config-'));
  path = join(folder, 'test.yaml');
});
afterAll(async () => rm(folder, { recursive: true }));

interface Sources {
  readonly text?: string;
  readonly env?: Record<string, string>;
  readonly flags?: Record<string, unknown>;
}

const load = async ({ text = '', env = {}, flags = {} }: Sources): Promise<z.output<typeof schema>> => {
  await writeFile(path, text);
  return loadConfig({ schema, file: { path, isRequired: true }, envPrefix: 'ECOMPUTE', env, flags });
};

/** The problems, with the path of the file cut down to its name. */
const problemsOf = async (sources: Sources): Promise<string[]> => {
  const error: unknown = await load(sources).catch((thrown: unknown) => thrown);
  if (!(error instanceof EcomputeError) || error.code !== 'ECOMPUTE_CONFIG_INVALID') throw error;
  const problems = z.array(z.string()).parse(error.details['problems']);
  for (const problem of problems) expect(error.message).toContain(problem);
  return problems.map((problem) => problem.replace(`${folder}/`, ''));
};

describe('where values come from', () => {
  test('defaults, then the file, then the environment, then flags', async () => {
    const text = 'name: of-file\nresize: false\netcd: {host: file-host, port: 1}\n';
    const env = { ECOMPUTE_ETCD__HOST: 'env-host', ECOMPUTE_NAME: 'of-env', OTHER_NAME: 'x', ECOMPUTER: 'x' };
    const config = await load({ text, env, flags: { name: 'of-flag', 'etcd.prefix': '/a', resize: undefined } });
    expect(config).toMatchObject({ name: 'of-flag', resize: false, hosts: [] });
    expect(config.etcd).toMatchObject({ host: 'env-host', port: 1, prefix: '/a', timeout: 5 });
  });

  test('an empty file is all defaults', async () => {
    expect(await load({ text: '# nothing\n' })).toEqual(await load({}));
  });

  test('the environment is read as YAML, and spells keys as the schema does', async () => {
    const env = {
      ECOMPUTE_RESIZE: 'false',
      ECOMPUTE_ETCD__PORT: '3379',
      ECOMPUTE_HOSTS: '["http://a", "http://b"]',
      ECOMPUTE_INVENTORY__VCPU__RESERVED: '2',
    };
    const config = await load({ env });
    expect(config).toMatchObject({ resize: false, hosts: ['http://a', 'http://b'] });
    expect(config.etcd.port).toBe(3379);
    expect(config.inventory.VCPU.reserved).toBe(2);
  });

  test('a default file may be missing, a named one may not', async () => {
    const missing = join(folder, 'missing.yaml');
    const options = { schema, envPrefix: 'ECOMPUTE', env: {} };
    const config = await loadConfig({ ...options, file: { path: missing, isRequired: false } });
    expect(config.name).toBe('nobody');
    await expect(loadConfig({ ...options, file: { path: missing, isRequired: true } })).rejects.toMatchObject({
      code: 'ECOMPUTE_CONFIG_UNREADABLE',
      message: `could not read the config ${missing}`,
    });
    await expect(loadConfig({ ...options, file: { path: folder, isRequired: false } })).rejects.toMatchObject({
      code: 'ECOMPUTE_CONFIG_UNREADABLE',
    });
  });
});

describe('problems', () => {
  test('all are told at once, each with its line and key', async () => {
    const text = ['nmae: x', 'resize: maybe', 'etcd:', '  port: 99999', '  hots: a', 'hosts:', '  - not a url'].join(
      '\n',
    );
    expect(await problemsOf({ text })).toEqual([
      'test.yaml:2: resize: Invalid input: expected boolean, received string (got "maybe")',
      'test.yaml:7: hosts.0: Invalid URL (got "not a url")',
      'test.yaml:4: etcd.port: Too big: expected number to be <=65535 (got 99999)',
      'test.yaml:5: etcd.hots: unknown key',
      'test.yaml:1: nmae: unknown key',
    ]);
  });

  test('one that came from the environment or a flag names that', async () => {
    const problems = await problemsOf({
      env: { ECOMPUTE_ETCD__PORT: 'x', ECOMPUTE_NO_SUCH: '1' },
      flags: { 'placement.endpoint': 'ftp://a' },
    });
    expect(problems).toEqual([
      'environment ECOMPUTE_ETCD__PORT: etcd.port: Invalid input: expected number, received string (got "x")',
      'flag for placement.endpoint: placement.endpoint: expected an http(s) URL such as http://localhost:8080 (got "ftp://a")',
      'environment ECOMPUTE_NO_SUCH: no_such: unknown key',
    ]);
  });

  test.each([
    ['a: b: c', 'test.yaml:1: '],
    ['name: x\nname: y', 'test.yaml:2: '],
    ['- a\n- b', 'test.yaml:1: expected keys and values, such as "etcd: {host: localhost}"'],
    ['just text', 'test.yaml:1: expected keys and values'],
  ])('what is not such YAML: %j', async (text, start) => {
    const [problem, ...more] = await problemsOf({ text });
    expect(problem?.startsWith(start)).toBe(true);
    expect(more).toEqual([]);
  });

  test.each([
    ['etcd: {user: me}', 'etcd.user: user needs password or password_file'],
    ['etcd: {cert_cert: /a}', 'etcd.cert_cert: cert_cert and cert_key go together'],
    ['etcd: {prefix: cloud1}', 'etcd.prefix: expected nothing, or a path such as /cloud1'],
    ['etcd: {prefix: /cloud1/}', 'etcd.prefix: expected nothing, or a path such as /cloud1'],
    ['etcd: {timeout: 0}', 'etcd.timeout: Too small'],
  ])('%j is refused: %s', async (text, reason) => {
    expect((await problemsOf({ text }))[0]).toContain(reason);
  });

  test.each([
    ['etcd: {user: me, password: 12345}', 'etcd.password'],
    ['placement: {token: 12345}', 'placement.token'],
    ['etcd: {user: me, password: "12345", cert_cert: a}', 'etcd.cert_cert'],
  ])('%j is told without the secret', async (text, key) => {
    const [problem, ...more] = await problemsOf({ text });
    expect(problem).toContain(`test.yaml:1: ${key}: `);
    expect([problem, ...more].join(' ')).not.toContain('12345');
  });
});

describe('secret files', () => {
  test('are read without their final line break', async () => {
    await writeFile(path, 'a secret \r\n');
    expect(await readSecretFile(path, 'etcd.password_file')).toBe('a secret ');
  });

  test('that are missing are named with their key', async () => {
    await expect(readSecretFile('/no/such', 'etcd.password_file')).rejects.toMatchObject({
      code: 'ECOMPUTE_CONFIG_UNREADABLE',
      message: 'could not read /no/such, named by etcd.password_file',
    });
  });
});
