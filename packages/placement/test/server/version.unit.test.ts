import { readFile } from 'node:fs/promises';
import { VERSION } from '@etcd-compute/placement/server/version';
import { expect, test } from 'vitest';

test('is the version of the package', async () => {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(VERSION).toBe(version);
});
