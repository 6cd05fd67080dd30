import { planImage } from '@etcd-compute/api/image/engine/create';
import { listImages } from '@etcd-compute/api/image/engine/list-images';
import { KINDS, type Image, type ImageRecords } from '@etcd-compute/api/image/state/records';
import { RecordIndex } from '@etcd-compute/api/state/record-index';
import { newProviderUuid } from '@etcd-compute/common/ids';
import { expect, test } from 'vitest';

const HOUR = 3_600_000;
const blobOf = (size: number) => ({
  sha256: '0'.repeat(64),
  sha512: '0'.repeat(128),
  md5: '0'.repeat(32),
  size,
  virtual_size: size,
  server: newProviderUuid(),
});
const images: readonly Image[] = [
  {
    ...planImage({ body: { name: 'a', distro: 'debian' }, owner: 'ours', now: HOUR }),
    status: 'active',
    blob: blobOf(100),
  },
  {
    ...planImage({ body: { name: 'b', disk_format: 'raw' }, owner: 'ours', now: 2 * HOUR }),
    status: 'active',
    blob: blobOf(200),
  },
  planImage({
    body: { name: 'c,d', disk_format: 'qcow2', protected: true, min_ram: 64 },
    owner: 'ours',
    now: 3 * HOUR,
  }),
];
const view = new RecordIndex<ImageRecords>(KINDS);
for (const image of images) view.apply({ key: `image/${image.id}`, value: JSON.stringify(image) });

const viewer = { projectId: 'ours', roles: ['member', 'reader'], isSystem: false };
const list = (query: string): string =>
  listImages(view, new URLSearchParams(query), viewer)
    .images.map(({ name }) => name)
    .join(' ');

test.each([
  ['', 'c,d b a'],
  ['name=a', 'a'],
  ['name=in:a,b', 'b a'],
  ['name=in:"c,d",a', 'c,d a'],
  ['status=active', 'b a'],
  ['disk_format=raw', 'b'],
  ['size_min=150', 'b'],
  ['size_max=150', 'a'],
  ['size=200', 'b'],
  ['min_ram=64', 'c,d'],
  ['protected=True', 'c,d'],
  ['distro=debian', 'a'],
  ['owner=theirs', ''],
  ['created_at=gt:1970-01-01T01:00:00Z', 'c,d b'],
  ['created_at=1970-01-01T01:00:00', 'a'],
  ['updated_at=lte:1970-01-01T02:00:00Z', 'b a'],
  ['sort=name:asc', 'a b c,d'],
  ['sort=status:asc,size:desc', 'b a c,d'],
  ['sort_key=size&sort_dir=asc', 'c,d a b'],
  ['limit=1', 'c,d'],
  ['limit=0', ''],
])('%s lists %s', (query, names) => {
  expect(list(query)).toBe(names);
});

test.each([
  'limit=x',
  'limit=-1',
  'size_min=x',
  'protected=maybe',
  'visibility=secret',
  'member_status=new',
  'sort=color',
  'sort=name:up',
  'sort=name&sort_key=name',
  'sort_key=name&sort_dir=asc&sort_dir=desc',
  'created_at=gt:yesterday',
  'name=in:a"b',
  'changes-since=1970-01-01',
])('%s is refused', (query) => {
  expect(() => list(query)).toThrow(expect.objectContaining({ status: 400 }));
});
