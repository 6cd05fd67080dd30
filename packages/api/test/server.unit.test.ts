import { readFile } from 'node:fs/promises';
import { apiConfigSchema, publicUrlOf } from '@etcd-compute/api/server/config';
import { VERSION } from '@etcd-compute/api/server/version';
import { expect, test } from 'vitest';

test('the version is that of the package', async () => {
  const { version }: { version: string } = JSON.parse(
    await readFile(new URL('../package.json', import.meta.url), 'utf8'),
  );
  expect(VERSION).toBe(version);
});

test('clients are told where it listens, or what the config says; of all addresses they cannot be told', () => {
  expect(publicUrlOf(apiConfigSchema.parse({}))).toBe('http://127.0.0.1:5000');
  expect(publicUrlOf(apiConfigSchema.parse({ listen: { host: '::1', port: 1 }, tls: { cert: 'a', key: 'b' } }))).toBe(
    'https://[::1]:1',
  );
  expect(publicUrlOf(apiConfigSchema.parse({ public_url: 'https://cloud.example' }))).toBe('https://cloud.example');
  expect(apiConfigSchema.safeParse({ listen: { host: '0.0.0.0' } }).error?.issues).toMatchObject([
    { path: ['public_url'] },
  ]);
});
