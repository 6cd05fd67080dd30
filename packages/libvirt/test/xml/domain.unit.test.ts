import { describe, expect, it } from 'vitest';
import { XmlValueError } from '@etcd-compute/libvirt/xml/document';
import { parseDomain, renderDomain } from '@etcd-compute/libvirt/xml/domain';
import type { DomainSpec } from '@etcd-compute/libvirt/xml/domain';
import { parseMetadataValues } from '@etcd-compute/libvirt/xml/metadata';

const minimal: DomainSpec = {
  uuid: '6b2fd1a4-3f0e-4a9f-8a53-2a1a9c0f7b11',
  name: '6b2fd1a4-3f0e-4a9f-8a53-2a1a9c0f7b11',
  type: 'qemu',
  vcpus: 1,
  memoryMiB: 256,
  disks: [],
  interfaces: [],
};

const full: DomainSpec = {
  ...minimal,
  vcpus: 2,
  arch: 'x86_64',
  machine: 'pc',
  cpuMode: 'host-model',
  firmware: 'efi',
  bootDevice: 'hd',
  smbios: { manufacturer: 'OpenStack Foundation', product: 'OpenStack Nova', serial: minimal.uuid },
  disks: [
    {
      path: '/pool/a.qcow2',
      format: 'qcow2',
      device: 'disk',
      bus: 'virtio',
      targetDev: 'vda',
      readOnly: false,
      cache: 'writeback',
      discard: 'unmap',
      backing: { path: '/pool/base.raw', format: 'raw' },
    },
    {
      path: '/pool/b.raw',
      format: 'raw',
      device: 'disk',
      bus: 'virtio',
      targetDev: 'vdb',
      readOnly: false,
      backing: null,
    },
    { path: '/pool/config.iso', format: 'raw', device: 'cdrom', bus: 'sata', targetDev: 'sda', readOnly: true },
  ],
  interfaces: [
    {
      mac: '52:54:00:00:00:01',
      model: 'virtio',
      network: 'fast',
      filter: 'clean-traffic',
    },
    { mac: '52:54:00:00:00:02', model: 'e1000', bridge: 'br0', targetDev: 'vnet7' },
  ],
  serial: { logFile: '/pool/console.log' },
  guestAgent: {},
  hasRng: true,
  hasPanicDevice: true,
  hasMemoryBalloon: false,
  metadata: [
    {
      uri: 'https://example.org/instance/1',
      prefix: 'ex',
      name: 'instance',
      values: { host: 'h', image: 'http://a/?b&c' },
    },
  ],
  onPoweroff: 'destroy',
  onReboot: 'restart',
  onCrash: 'destroy',
};

describe('domain XML', () => {
  it('reads back what it renders: the least, and everything', () => {
    expect(parseDomain(renderDomain(minimal))).toEqual(minimal);
    expect(parseDomain(renderDomain(full))).toEqual(full);
  });

  it('looks like this', () => {
    expect(renderDomain(full)).toMatchSnapshot();
  });

  it('gives ACPI only to x86, where every guest has it', () => {
    expect(renderDomain({ ...minimal, arch: 'x86_64' })).toContain('<acpi/>');
    expect(renderDomain({ ...minimal, arch: 'aarch64' })).not.toContain('<acpi/>');
  });

  it('escapes markup in text and attributes', () => {
    const name = `a<b>&"'é\u{1f600}`;
    const xml = renderDomain({ ...minimal, name, disks: [{ ...anyDisk, path: `/pool/${name}` }] });
    expect(xml).not.toContain('a<b>');
    expect(parseDomain(xml)).toMatchObject({ name, disks: [{ path: `/pool/${name}` }] });
  });

  it('does not take a value for markup, nor `true` for an attribute without a value', () => {
    const values = { markup: '<evil/>', entity: '&amp;', flag: 'true' };
    const metadata = [{ uri: 'https://example.org/1', prefix: 'ex', name: 'instance', values }];
    expect(parseDomain(renderDomain({ ...minimal, metadata })).metadata).toEqual(metadata);
    const smbios = { product: 'true' };
    expect(parseDomain(renderDomain({ ...minimal, smbios })).smbios).toEqual(smbios);
  });

  it.each([
    ['\u0000', 'U+0000'],
    ['\u0001', 'U+0001'],
    ['\n', 'U+000A'],
    ['\u007f', 'U+007F'],
    ['\u0085', 'U+0085'],
    ['\ud800', 'U+D800'],
    ['\udc00', 'U+DC00'],
    ['\uffff', 'U+FFFF'],
  ])('refuses the character %j, and says where it is', (character, codePoint) => {
    const refused: [DomainSpec, string][] = [
      [{ ...minimal, name: `a${character}` }, 'domain.name'],
      [{ ...minimal, disks: [{ ...anyDisk, path: `/${character}` }] }, 'domain.devices.disk.0.source.@file'],
      [{ ...minimal, smbios: { serial: `s${character}` } }, 'domain.sysinfo.system.entry.0.#text'],
    ];
    for (const [spec, path] of refused) {
      expect(() => renderDomain(spec)).toThrow(XmlValueError);
      expect(() => renderDomain(spec)).toThrow(`could not render ${path}: character 2 is ${codePoint}`);
    }
  });

  it('reads memory in the unit that libvirt prints', () => {
    const withMemory = (memory: string): number =>
      parseDomain(`<domain type='qemu'><name>a</name>${memory}</domain>`).memoryMiB;
    expect(withMemory("<memory unit='KiB'>262144</memory>")).toBe(256);
    expect(withMemory('<memory>262144</memory>')).toBe(256);
    expect(withMemory("<memory unit='GiB'>2</memory>")).toBe(2048);
    expect(() => withMemory("<memory unit='furlong'>2</memory>")).toThrow("its memory is in 'furlong'");
  });

  it('prefers the network of a running interface to the bridge that libvirt adds', () => {
    const xml = `<domain type='kvm'><name>a</name><memory>1024</memory><devices>
      <interface type='network'><mac address='52:54:00:00:00:01'/><source network='default' portid='x' bridge='virbr0'/>
      <target dev='vnet0'/><model type='virtio'/></interface></devices></domain>`;
    expect(parseDomain(xml).interfaces).toEqual([
      { mac: '52:54:00:00:00:01', model: 'virtio', network: 'default', targetDev: 'vnet0' },
    ]);
  });

  it('reads whether the guest agent of a running domain is there', () => {
    const read = (target: string): unknown =>
      parseDomain(
        `<domain><memory>1</memory><devices><channel type='spicevmc'/><channel type='unix'>${target}</channel></devices></domain>`,
      ).guestAgent;
    const name = "name='org.qemu.guest_agent.0'";
    expect(read(`<target type='virtio' ${name} state='connected'/>`)).toEqual({ state: 'connected' });
    expect(read(`<target type='virtio' ${name} state='disconnected'/>`)).toEqual({ state: 'disconnected' });
    expect(read(`<target type='virtio' ${name}/>`)).toEqual({});
    expect(read("<target type='virtio' name='another'/>")).toBeUndefined();
  });

  it('refuses XML of something else', () => {
    expect(() => parseDomain('<network/>')).toThrow('the root element is not <domain>');
  });
});

describe('metadata', () => {
  it('is read with or without a prefix', () => {
    expect(parseMetadataValues('<i><a>1</a><b/></i>', 'i')).toEqual({ a: '1', b: '' });
    expect(parseMetadataValues("<x:i xmlns:x='u'>\n<x:a>&lt;1&gt;</x:a></x:i>", 'i')).toEqual({ a: '<1>' });
    expect(() => parseMetadataValues('<j/>', 'i')).toThrow('the root element is <j>, not <i>');
  });
});

const anyDisk = {
  path: '/pool/a',
  format: 'raw',
  device: 'disk',
  bus: 'virtio',
  targetDev: 'vda',
  readOnly: false,
} as const;
