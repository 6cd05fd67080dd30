/**
 * Starts agents on an etcd of this machine. Says `ready` when they are, and runs until it is told to end. The workspace is to be built.
 *
 *   node scripts/start-agents.mjs ETCD_PORT COUNT FOLDER               on libvirt's test driver, which builds servers without guests
 *   node scripts/start-agents.mjs ETCD_PORT FOLDER --guests PORT...    one with real guests: needs root. FOLDER is a short path
 *
 * With guests there is a libvirtd in a network of its own, and the agent is in it. 127.0.0.1 has these ports there too; `ready` is followed
 * by the network's path, for `nsenter --net`.
 */
import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { bringPortOut, bringPorts } from '@etcd-compute/testing/bring-ports';
import { startEcompute } from '@etcd-compute/testing/ecompute';
import { startLibvirtd } from '@etcd-compute/testing/libvirt-daemon';

const start = async ({ port, dir, name, config, ...options }) => {
  await mkdir(dir, { recursive: true });
  return startEcompute({
    etcd: { host: '127.0.0.1', port: Number(port) },
    placement: 'etcd',
    dir,
    config: { name, log: { level: 'info', format: 'json' }, ...config },
    ...options,
  });
};

const startFakes = async ([port, count, folder]) => {
  const agents = await Promise.all(
    Array.from({ length: Number(count) }, async (_, index) =>
      start({ port, dir: path.join(folder, `agent-${index + 1}`), name: `compute-${index + 1}` }),
    ),
  );
  return { place: '', stop: async () => Promise.all(agents.map(async (agent) => agent.stop())) };
};

const startWithGuests = async ([port, folder, , ...ports]) => {
  const dir = path.join(folder, 'agent');
  await mkdir(dir, { recursive: true });
  // Guests run as another user, who must reach their disks.
  for (const open of [folder, dir]) await chmod(open, 0o755);
  const libvirtd = await startLibvirtd({ dir: path.join(folder, 'v') });
  const brought = await bringPorts([port, ...ports].map(Number), libvirtd);
  // Images of servers are fetched from it.
  const endpoint = await bringPortOut(libvirtd);
  const config = {
    libvirt: { uri: libvirtd.uri },
    endpoint: { listen: '127.0.0.1', port: endpoint.port, advertise: ['127.0.0.1'] },
    inventory: { VCPU: { allocation_ratio: 100 } },
    metadata: true,
  };
  const agent = await start({ port, dir, name: 'compute-1', config, wrapper: brought.wrapper });
  return {
    place: libvirtd.netnsPath,
    stop: async () => {
      await agent.stop();
      await endpoint[Symbol.asyncDispose]();
      await brought[Symbol.asyncDispose]();
      await libvirtd.stop();
    },
  };
};

const words = process.argv.slice(2);
const { place, stop } = await (words.includes('--guests') ? startWithGuests(words) : startFakes(words));
process.stdout.write(`ready ${place}\n`);
await new Promise((resolve) => {
  process.once('SIGTERM', resolve);
  process.once('SIGINT', resolve);
  // What agents do keeps nobody awake.
  setInterval(() => undefined, 60_000);
});
await stop();
process.exit(0);
