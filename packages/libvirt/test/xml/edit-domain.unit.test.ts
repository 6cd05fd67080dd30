import { parseDomain } from '@etcd-compute/libvirt/xml/domain';
import { editDomain } from '@etcd-compute/libvirt/xml/edit-domain';
import { describe, expect, it } from 'vitest';

const XML = `<domain type='kvm' id='3'>
  <name>a&amp;b</name>
  <metadata><x:y xmlns:x="urn:x"><x:note>1 &lt; 2 'quoted'</x:note></x:y></metadata>
  <memory unit='KiB'>65536</memory>
  <currentMemory unit='KiB'>32768</currentMemory>
  <vcpu placement='static' current='1'>2</vcpu>
  <devices>
    <unheard-of kept='yes &quot;so&quot;'/>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='none'/>
      <source file='/disks/a.img'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/disks/b.img'/>
    </disk>
  </devices>
</domain>`;

/** libvirt quotes with ', the builder with ". */
const withDoubleQuotes = (xml: string): string => xml.replaceAll(/='([^']*)'/g, '="$1"');

describe('editDomain', () => {
  it('changes what is asked for, and keeps every other character', () => {
    const edited = editDomain(XML, { vcpus: 4, memoryMiB: 256, disk: { path: '/disks/a.img', format: 'qcow2' } });
    const expected = XML.replace("'KiB'>65536", "'MiB'>256")
      .replace("'KiB'>32768", "'MiB'>256")
      .replace(" current='1'>2", '>4')
      .replace("type='raw' cache", "type='qcow2' cache");
    expect(edited).toBe(withDoubleQuotes(expected));
    expect(editDomain(XML, {})).toBe(withDoubleQuotes(XML));
  });

  it('adds devices and takes them away, and keeps every other character', () => {
    const disk = {
      path: '/disks/a & b.img',
      format: 'qcow2',
      device: 'disk',
      bus: 'virtio',
      targetDev: 'vdc',
      readOnly: false,
      serial: 'c',
    } as const;
    const card = { network: 'ecompute', mac: '52:54:00:2d:00:02', model: 'virtio' } as const;
    const withDisk = editDomain(XML, { attach: { disk } });
    const withBoth = editDomain(withDisk, { attach: { interface: card } });
    const { disks, interfaces } = parseDomain(withBoth);
    expect(disks.at(-1)).toEqual(disk);
    expect(interfaces).toEqual([card]);
    expect(editDomain(withBoth, { detach: { interface: { ...card, mac: card.mac.toUpperCase() } } })).toBe(withDisk);
    expect(editDomain(withDisk, { detach: { disk } })).toBe(editDomain(XML, {}));
  });

  it('refuses a disk that is not there, and what is no domain', () => {
    expect(() => editDomain(XML, { disk: { path: '/disks/c.img', format: 'raw' } })).toThrow('no disk /disks/c.img');
    expect(() => editDomain('<network/>', { vcpus: 1 })).toThrow('the root element is not <domain>');
  });
});
