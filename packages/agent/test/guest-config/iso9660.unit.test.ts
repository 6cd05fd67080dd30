import { createHash } from 'node:crypto';
import { renderIso, type IsoFile } from '@etcd-compute/agent/guest-config/iso9660';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readIso } from './read-iso.js';

const file = (path: string, content: string): IsoFile => ({ path, content: Buffer.from(content) });
const FILES = [
  file('openstack/latest/meta_data.json', '{"uuid":"x"}'),
  file('openstack/latest/user_data', 'y'.repeat(65_536)),
  file('ec2/latest/meta-data.json', '{}'),
  file('empty', ''),
];

describe('an ISO 9660 file system', () => {
  test('has its label, and every file under its own name by Joliet', () => {
    const { label, files } = readIso(renderIso('config-2', FILES), 17);
    expect(label).toBe('config-2');
    expect(new Map([...files].map(([path, content]) => [path.replace(/;1$/, ''), content.toString()]))).toEqual(
      new Map(FILES.map(({ path, content }) => [path, content.toString()])),
    );
  });

  test('has the same files under plain names without Joliet', () => {
    const { label, files } = readIso(renderIso('config-2', FILES), 16);
    expect(label).toBe('config-2');
    expect([...files.keys()].toSorted()).toEqual([
      'EC2/LATEST/META_DATA.JSON;1',
      'EMPTY.;1',
      'OPENSTACK/LATEST/META_DATA.JSON;1',
      'OPENSTACK/LATEST/USER_DATA.;1',
    ]);
    expect(files.get('OPENSTACK/LATEST/USER_DATA.;1')?.length).toBe(65_536);
  });

  test('is the same for the same files, whenever it is made', () => {
    const digest = createHash('sha256').update(renderIso('config-2', FILES)).digest('hex');
    expect(createHash('sha256').update(renderIso('config-2', FILES)).digest('hex')).toBe(digest);
    expect(renderIso('config-2', FILES).length % 2048).toBe(0);
  });

  test('any files of a few folders are read back as they were', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,20}(\.[a-z]{1,5})?$/);
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
    const content = fc.uint8Array({ maxLength: 5000 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(path, content), { maxLength: 8, selector: ([one]) => one }), (entries) => {
        const paths = entries.map(([one]) => one);
        // A file cannot be a folder as well.
        fc.pre(paths.every((one) => !paths.some((other) => other.startsWith(`${one}/`))));
        const files = entries.map(([one, bytes]) => ({ path: one, content: bytes }));
        const read = [...readIso(renderIso('cidata', files), 17).files];
        expect(new Map(read.map(([one, bytes]) => [one.replace(/;1$/, ''), bytes.toString('hex')]))).toEqual(
          new Map(files.map((one) => [one.path, one.content.toString('hex')])),
        );
      }),
    );
  });

  test('a folder that does not fit into a sector is refused', () => {
    const many = Array.from({ length: 60 }, (_, index) => file(`a-long-file-name-${index}`, ''));
    expect(() => renderIso('config-2', many)).toThrow("too many files in the folder ''");
  });
});
