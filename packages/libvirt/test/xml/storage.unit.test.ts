import { describe, expect, it } from 'vitest';
import { XmlValueError } from '@etcd-compute/libvirt/xml/document';
import { parseDirectoryPool, renderDirectoryPool } from '@etcd-compute/libvirt/xml/storage-pool';
import { parseStorageVolume, renderStorageVolume } from '@etcd-compute/libvirt/xml/storage-volume';

describe('storage pool XML', () => {
  it('reads back what it renders', () => {
    const pool = { name: 'images', uuid: '6b2fd1a4-3f0e-4a9f-8a53-2a1a9c0f7b11', path: '/var/lib/a & b' };
    expect(parseDirectoryPool(renderDirectoryPool(pool))).toEqual(pool);
    expect(renderDirectoryPool({ ...pool, permissions: { mode: '0711', owner: 0, group: 0 } })).toMatchSnapshot();
  });

  it('refuses control characters', () => {
    expect(() => renderDirectoryPool({ name: 'a', path: '/a\n' })).toThrow(XmlValueError);
  });
});

describe('storage volume XML', () => {
  it('reads back what it renders', () => {
    const overlay = {
      name: 'a.qcow2',
      capacityBytes: 9_007_199_254_740_993n, // more than a number can hold
      allocationBytes: 0n,
      format: 'qcow2',
      backing: { path: '/pool/base', format: 'raw' },
    } as const;
    expect(parseStorageVolume(renderStorageVolume(overlay))).toEqual(overlay);
    const plain = { name: 'b', capacityBytes: 1n, format: 'raw' } as const;
    expect(parseStorageVolume(renderStorageVolume(plain))).toEqual(plain);
    expect(
      renderStorageVolume({ ...overlay, permissions: { mode: '0600', owner: 64055, group: 109 } }),
    ).toMatchSnapshot();
  });

  it('refuses control characters', () => {
    expect(() => renderStorageVolume({ name: 'a\u001f', capacityBytes: 1n, format: 'raw' })).toThrow(XmlValueError);
  });
});
