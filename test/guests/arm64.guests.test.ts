/**
 * arm64 as far as a PC can show it: the domain that an arm64 host would get, emulated here, boots the tiny guest's arm64 build by UEFI and
 * is off when it is asked to be.
 */
import { randomUUID } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { rootDiskOf } from '@etcd-compute/agent/disks/disks';
import { domainSpecOf } from '@etcd-compute/agent/steps/domain-spec';
import { newInstanceUuid, newProviderUuid } from '@etcd-compute/common/ids';
import { connect } from '@etcd-compute/libvirt/connection';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { renderNetwork } from '@etcd-compute/libvirt/xml/network';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { startLibvirtd } from '@etcd-compute/testing/libvirt-daemon';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { expect, test } from 'vitest';

const CACHE = join(import.meta.dirname, '../../.cache');
const BOOT_TIMEOUT_MS = 5 * 60_000;
const MAC = '52:54:00:86:00:11';
const ADDRESS = '10.86.0.11';

test('the domain of an arm64 host boots by UEFI to an address, and shuts down', async () => {
  await using dir = await makeTempDir('arm');
  await chmod(dir.path, 0o755);
  await using libvirtd = await startLibvirtd({ dir: join(dir.path, 'v') });
  await using connection = await connect(libvirtd.uri);
  const bridge = { name: 'ecarm', stp: false, delay: 0 };
  const dhcp = { ranges: [{ start: ADDRESS, end: ADDRESS }], hosts: [{ mac: MAC, ip: ADDRESS }] };
  const ip = { address: '10.86.0.1', prefix: 24, dhcp };
  await connection.networkCreateXML(renderNetwork({ name: 'arm', bridge, ip, dnsmasqOptions: ['no-ping'] }));
  const disk = join(dir.path, `${randomUUID()}.img`);
  await copyFile((await buildGuestImage(CACHE, 'arm64')).path, disk);
  await truncate(disk, 1024 ** 3);
  const instance = newInstanceUuid();
  const consoles = join(dir.path, 'consoles');
  await mkdir(consoles, { mode: 0o777 });
  const consoleLog = join(consoles, `${instance}.log`);
  const xml = renderDomain(
    domainSpecOf({
      spec: {
        instance,
        project: 'default',
        imageUrl: 'http://images/guest',
        imageChecksum: undefined,
        vcpus: 2,
        memoryMiB: 256,
        disks: [{ uuid: rootDiskOf(instance), sizeGiB: 1 }],
        nics: undefined,
        name: 'arm',
        guest: {},
      },
      made: {
        disks: [{ uuid: rootDiskOf(instance), path: disk, format: 'raw' }],
        nics: [{ slot: 0, network: 'arm', mac: MAC }],
      },
      config: agentConfigSchema.parse({}),
      mark: { host: newProviderUuid(), stateDir: dir.path },
      consoleLog,
      virtType: 'qemu',
      arch: 'aarch64',
    }),
  );
  await using domain = await connection.domainDefineXML(xml);
  await domain.create();
  const readConsole = async (): Promise<string> => readFile(consoleLog, 'latin1');
  await waitFor(async () => (await readConsole()).includes(`address=eth0 ${ADDRESS}/24`), {
    what: 'the guest to have its address',
    timeoutMs: BOOT_TIMEOUT_MS,
    onTimeout: readConsole,
  });
  // Like any guest, it cannot hear the power button before its driver is loaded, so ask again.
  await waitFor(
    async () => {
      if (!(await domain.isActive())) return true;
      await domain.shutdown();
      return false;
    },
    { what: 'the guest to be off', intervalMs: 500, timeoutMs: BOOT_TIMEOUT_MS, onTimeout: readConsole },
  );
  expect(await readConsole()).not.toMatch(/panic|Call Trace/);
});
