import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openUrlEntries, type UrlEntry } from '@etcd-compute/agent/images/cache/url-entries';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { expect, test } from 'vitest';

const entry: UrlEntry = {
  url: 'http://images.example/a',
  sha256: '1'.repeat(64),
  sentSha256: '1'.repeat(64),
  sentSha512: null,
  verifiedBy: null,
  etag: '"1"',
  lastModified: null,
};

test('an entry that an agent did not live to write is removed by the next one, and the others are kept', async () => {
  await using dir = await makeTempDir('url-entries');
  await (await openUrlEntries(dir.path)).write(entry);
  const [name = ''] = await readdir(dir.path);
  await writeFile(join(dir.path, `${name}.0b5c1b52-0d0f-4d0c-8a53-0d6a7a2b2f6e`), '{');
  const entries = await openUrlEntries(dir.path);
  expect(await readdir(dir.path)).toEqual([name]);
  expect(await entries.find(entry.url)).toEqual(entry);
});

test('an entry that cannot be written leaves no temporary file', async () => {
  await using dir = await makeTempDir('url-entries');
  const entries = await openUrlEntries(dir.path);
  await entries.write(entry);
  const [name = ''] = await readdir(dir.path);
  await entries.remove(entry.url);
  // Nothing can be renamed to it.
  await mkdir(join(dir.path, name, 'full'), { recursive: true });
  await expect(entries.write(entry)).rejects.toThrow(name);
  expect(await readdir(dir.path)).toEqual([name]);
});
