/**
 * What starting and stopping a guest costs with the packet filter, beside none and beside libvirt's nwfilter, each in turn; and what a guest's
 * elements cost among many.
 *
 *   node bench/dist/filters.js [--runs 12] [--guests 1000]
 *
 * The guests have no disk and are never let go. The filter works in its own process's network, so the work is done by a second process in
 * the network of a libvirtd of this benchmark's own.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { renderMark } from '@etcd-compute/agent/domains/domain';
import { createGuestFilter } from '@etcd-compute/agent/networks/guest-filter';
import { createGuestNetwork } from '@etcd-compute/agent/networks/guest-network';
import { portNameOf } from '@etcd-compute/agent/networks/port-names';
import { instanceUuidSchema, newProviderUuid } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import { connect, type Connection } from '@etcd-compute/libvirt/connection';
import { DomainCreateFlags } from '@etcd-compute/libvirt/constants';
import type { Domain } from '@etcd-compute/libvirt/domain';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { startLibvirtd } from '@etcd-compute/testing/libvirt-daemon';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { median, say } from './figures.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '12' },
    guests: { type: 'string', default: '1000' },
    // Of the second process.
    uri: { type: 'string' },
  },
});

/** As the agent had it before: MAC, IPv4 and ARP of the guest's own, and nothing else but IPv6. */
const NWFILTER = `<filter name='own-address' chain='root'>
  <rule action='accept' direction='out' priority='100'><ip srcmacaddr='$MAC' srcipaddr='10.45.0.9'/></rule>
  <rule action='accept' direction='out' priority='200'>
    <ip srcmacaddr='$MAC' srcipaddr='0.0.0.0' protocol='udp' srcportstart='68' dstportstart='67'/>
  </rule>
  <rule action='accept' direction='out' priority='300'><arp srcmacaddr='$MAC' arpsrcmacaddr='$MAC' arpsrcipaddr='10.45.0.9'/></rule>
  <rule action='accept' direction='out' priority='400'><arp srcmacaddr='$MAC' arpsrcmacaddr='$MAC' arpsrcipaddr='0.0.0.0'/></rule>
  <rule action='accept' direction='out' priority='500'><mac srcmacaddr='$MAC' protocolid='ipv6'/></rule>
  <rule action='drop' direction='out' priority='1000'/>
</filter>`;

const MODES = ['none', 'elements', 'nwfilter'] as const;
type Mode = (typeof MODES)[number];

const define = async (connection: Connection, mac: string, mode: Mode): Promise<Domain> => {
  const uuid = instanceUuidSchema.parse(randomUUID());
  const port = mode === 'elements' ? { targetDev: portNameOf(uuid, 0) } : {};
  const filter = mode === 'nwfilter' ? { filter: 'own-address' } : {};
  return connection.domainDefineXML(
    renderDomain({
      type: 'qemu',
      uuid,
      name: uuid,
      vcpus: 1,
      memoryMiB: 32,
      disks: [],
      interfaces: [{ network: 'ecompute', mac, model: 'virtio', ...port, ...filter }],
      metadata: [renderMark({ host: newProviderUuid(), stateDir: '/none' })],
    }),
  );
};

const timed = async (task: () => Promise<void>): Promise<number> => {
  const startedAt = performance.now();
  await task();
  return performance.now() - startedAt;
};

const measure = async (uri: string): Promise<void> => {
  const config = agentConfigSchema.parse({ network: { cidr: '10.45.0.0/20' } });
  const log = silentLogger();
  await using connection = await connect(uri);
  await createGuestNetwork({ config: config.network, log }).open(connection);
  const ended = new AbortController();
  const filter = createGuestFilter({ config, log, signal: ended.signal });
  const isInPlace = await filter.open(connection, () => connection);
  if (!isInPlace) throw new Error('the packet filter could not be put in place');
  const times = Object.fromEntries(MODES.map((mode) => [mode, { start: [] as number[], stop: [] as number[] }]));
  for (let run = 0; run < Number(values.runs); run += 1)
    for (const mode of MODES) {
      await using domain = await define(connection, '52:54:00:2d:00:09', mode);
      const start = async (): Promise<void> => {
        if (mode === 'elements') await filter.admit(domain);
        await domain.create(DomainCreateFlags.PAUSED);
      };
      const stop = async (): Promise<void> => {
        await domain.destroy();
        await domain.undefineFlags(0);
        if (mode === 'elements') await filter.dismiss(instanceUuidSchema.parse(domain.uuid));
      };
      times[mode]?.start.push(await timed(start));
      times[mode]?.stop.push(await timed(stop));
    }
  for (const mode of MODES) {
    const { start = [], stop = [] } = times[mode] ?? {};
    say(`${mode.padEnd(10)} start ${(median(start) / 1000).toFixed(3)} s, stop ${(median(stop) / 1000).toFixed(3)} s`);
  }
  const admitted: number[] = [];
  for (let guest = 0; guest < Number(values.guests); guest += 1) {
    // Each has an address of the network: 10.45.1.0 and on.
    const mac = ['52:54:00:2d', 1 + (guest >> 8), guest & 0xff]
      .map((part) => (typeof part === 'number' ? part.toString(16).padStart(2, '0') : part))
      .join(':');
    await using domain = await define(connection, mac, 'elements');
    admitted.push(await timed(async () => filter.admit(domain)));
  }
  const last = admitted.slice(-50);
  say(`elements of one guest, beside none: ${median(admitted.slice(0, 50)).toFixed(1)} ms`);
  say(`elements of one guest, beside ${admitted.length}: ${median(last).toFixed(1)} ms`);
  const looks: number[] = [];
  for (let look = 0; look < 10; look += 1)
    looks.push(await timed(async () => void (await filter.findGuest('10.45.0.9'))));
  say(`a look at the rules with ${admitted.length} guests: ${median(looks).toFixed(1)} ms`);
  ended.abort();
};

if (values.uri !== undefined) await measure(values.uri);
else {
  await using dir = await makeTempDir('filters');
  const libvirtd = await startLibvirtd({ dir: dir.path });
  try {
    const file = join(dir.path, 'filter.xml');
    await writeFile(file, NWFILTER);
    await libvirtd.netnsExec(['virsh', '-c', libvirtd.uri, 'nwfilter-define', file]);
    const args = [
      fileURLToPath(import.meta.url),
      '--uri',
      libvirtd.uri,
      '--runs',
      values.runs,
      '--guests',
      values.guests,
    ];
    const [command = '', ...rest] = libvirtd.netnsArgv([process.execPath, ...args]);
    const { stdout } = await promisify(execFile)(command, rest, { timeout: 1_200_000 });
    process.stdout.write(stdout);
  } finally {
    await libvirtd.stop();
  }
}
