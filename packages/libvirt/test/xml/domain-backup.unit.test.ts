import { describe, expect, it } from 'vitest';
import { XmlValueError } from '@etcd-compute/libvirt/xml/document';
import { parseDomainBackup, renderDomainBackup } from '@etcd-compute/libvirt/xml/domain-backup';

describe('domain backup XML', () => {
  it('reads back what it renders', () => {
    const xml = renderDomainBackup({ disk: 'vda', path: '/a & b/c.img', format: 'qcow2' });
    expect(parseDomainBackup(xml)).toEqual([{ disk: 'vda', path: '/a & b/c.img' }]);
    expect(xml).toMatchSnapshot();
  });

  it('passes over disks that are left out, as libvirt prints them', () => {
    const xml =
      "<domainbackup mode='push'><disks><disk name='vda' backup='no'/><disk name='vdb'/></disks></domainbackup>";
    expect(parseDomainBackup(xml)).toEqual([{ disk: 'vdb', path: undefined }]);
  });

  it('refuses control characters', () => {
    expect(() => renderDomainBackup({ disk: 'vda', path: '/a\n', format: 'raw' })).toThrow(XmlValueError);
  });
});
