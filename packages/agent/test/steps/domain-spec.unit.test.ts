import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { rootDiskOf } from '@etcd-compute/agent/disks/disks';
import { domainSpecOf, type DomainInput } from '@etcd-compute/agent/steps/domain-spec';
import { diskUuidSchema } from '@etcd-compute/common/ids';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { describe, expect, test } from 'vitest';
import { HERE, INSTANCE } from '../instances/builders.js';

interface Changes extends Partial<Omit<DomainInput, 'config' | 'spec'>> {
  readonly config?: Record<string, unknown>;
  readonly firmware?: 'bios' | 'uefi';
}

const anInput = ({ config = {}, firmware, ...changes }: Changes = {}): DomainInput => ({
  spec: {
    instance: INSTANCE,
    project: 'default',
    imageUrl: 'http://images/tiny',
    imageChecksum: undefined,
    vcpus: 2,
    memoryMiB: 512,
    disks: [{ uuid: rootDiskOf(INSTANCE), sizeGiB: 3 }],
    nics: undefined,
    name: 'web1',
    guest: { firmware },
  },
  made: {
    disks: [{ uuid: rootDiskOf(INSTANCE), path: '/state/disks/a.img', format: 'qcow2' }],
    nics: [
      { slot: 0, network: 'ecompute', mac: '52:54:00:2d:00:02', port: 'ec6b2f3c1e0c5d0' },
      { slot: 1, network: 'bridge:br0', mac: '52:54:00:00:00:99', port: 'ec6b2f3c1e0c5d1' },
    ],
    configDrive: '/state/config-drives/a.iso',
  },
  config: agentConfigSchema.parse(config),
  mark: { host: HERE, stateDir: '/state' },
  consoleLog: '/state/consoles/a.log',
  virtType: 'kvm',
  arch: 'x86_64',
  ...changes,
});

describe('the domain of an instance', () => {
  test.each([
    ['KVM on a PC', {}],
    ['emulation on a PC, with UEFI', { virtType: 'qemu', firmware: 'uefi' }],
    ['KVM on arm64', { arch: 'aarch64' }],
    ['emulation on arm64', { arch: 'aarch64', virtType: 'qemu' }],
    [
      'SCSI disks and no balloon',
      { config: { disks: { bus: 'scsi', cache: 'none', discard: 'ignore' }, guests: { balloon: false } } },
    ],
    ['libvirt’s test driver', { virtType: 'test' }],
  ] as const)('with %s', (_what, changes) => {
    expect(renderDomain(domainSpecOf(anInput(changes)))).toMatchSnapshot();
  });

  test.each([
    [{ virtType: 'kvm' }, 'host-passthrough'],
    [{ virtType: 'qemu' }, 'maximum'],
    [{ virtType: 'qemu', arch: 'aarch64' }, 'maximum'],
    [{ virtType: 'kvm', config: { guests: { cpu: 'host-model' } } }, 'host-model'],
    [{ virtType: 'qemu', config: { guests: { cpu: 'maximum' } } }, 'maximum'],
    [{ virtType: 'kvm', config: { guests: { cpu: 'default' } } }, undefined],
    [{ virtType: 'test', config: { guests: { cpu: 'maximum' } } }, undefined],
  ] as const)('%j has the processor %s', (changes, cpuMode) => {
    expect(domainSpecOf(anInput(changes)).cpuMode).toBe(cpuMode);
  });

  test.each([
    [{}, undefined],
    [{ firmware: 'uefi' }, 'efi'],
    [{ config: { guests: { firmware: 'uefi' } } }, 'efi'],
    [{ firmware: 'bios', config: { guests: { firmware: 'uefi' } } }, undefined],
    [{ arch: 'aarch64' }, 'efi'],
  ] as const)('%j has the firmware %s', (changes, firmware) => {
    expect(domainSpecOf(anInput(changes)).firmware).toBe(firmware);
  });

  test('BIOS on arm64 is refused, for this host', () => {
    expect(() => domainSpecOf(anInput({ arch: 'aarch64', firmware: 'bios' }))).toThrow(
      expect.objectContaining({
        message: `instance ${INSTANCE} wants BIOS, which aarch64 does not have`,
        code: 'ECOMPUTE_REQUEST_INVALID',
      }),
    );
  });

  test('says that it has a metadata address when there is nothing else', () => {
    const config = { metadata: true, guests: { config_drive: 'none' } };
    expect(renderDomain(domainSpecOf(anInput({ config })))).toMatchSnapshot();
    expect(domainSpecOf(anInput({ config: { metadata: true } })).smbios).toBeUndefined();
  });

  test('has ports of its own names, other than on the test driver', () => {
    const portsOf = (changes: Changes) => domainSpecOf(anInput(changes)).interfaces.map(({ targetDev }) => targetDev);
    expect(portsOf({})).toEqual(['ec6b2f3c1e0c5d0', 'ec6b2f3c1e0c5d1']);
    expect(portsOf({ virtType: 'test' })).toEqual([undefined, undefined]);
  });

  test('has further disks behind the config drive, with their uuids as serial numbers', () => {
    const uuids = ['0b9d7a43-5c0e-4b5f-8f0e-7c0a5d1e2f30', '1c9d7a43-5c0e-4b5f-8f0e-7c0a5d1e2f31'];
    const further = uuids.map((uuid) => ({
      uuid: diskUuidSchema.parse(uuid),
      path: `/state/disks/a.${uuid}.img`,
      format: 'qcow2' as const,
    }));
    const { made } = anInput();
    const { configDrive: _, disks: [root] = [], ...rest } = made;
    if (!root) throw new Error('there is a root disk');
    const targets = (changes: Partial<DomainInput['made']>) =>
      domainSpecOf(anInput({ made: { ...rest, disks: [root, ...further], ...changes } })).disks.map(
        ({ targetDev, serial }) => [targetDev, serial],
      );
    const ends = [
      ['vdc', uuids[0]],
      ['vdd', uuids[1]],
    ];
    expect(targets({})).toEqual([['vda', undefined], ...ends]);
    expect(targets({ configDrive: '/state/a.iso' })).toEqual([['vda', undefined], ['vdb', undefined], ...ends]);
  });

  test('without a config drive has one disk', () => {
    const { made } = anInput();
    const { configDrive: _, ...rest } = made;
    expect(domainSpecOf(anInput({ made: rest })).disks.map(({ targetDev }) => targetDev)).toEqual(['vda']);
    expect(domainSpecOf(anInput()).disks.map(({ targetDev }) => targetDev)).toEqual(['vda', 'vdb']);
  });
});
