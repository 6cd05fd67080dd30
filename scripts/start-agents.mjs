/**
 * Starts agents on libvirt's test driver, which build servers without guests, on an etcd: `node scripts/start-agents.mjs ETCD_PORT COUNT FOLDER`.
 * Says `ready` when they are, and runs until it is told to end. The workspace is to be built.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { startEcompute } from '@etcd-compute/testing/ecompute';

const [port, count, folder] = process.argv.slice(2);

const start = async (index) => {
  const dir = path.join(folder, `agent-${index + 1}`);
  await mkdir(dir, { recursive: true });
  return startEcompute({
    etcd: { host: '127.0.0.1', port: Number(port) },
    placement: 'etcd',
    dir,
    config: { name: `compute-${index + 1}`, log: { level: 'info', format: 'json' } },
  });
};

const agents = await Promise.all(Array.from({ length: Number(count) }, async (_, index) => start(index)));
process.stdout.write('ready\n');
await new Promise((resolve) => {
  process.once('SIGTERM', resolve);
  process.once('SIGINT', resolve);
  // What agents do keeps nobody awake.
  setInterval(() => undefined, 60_000);
});
await Promise.all(agents.map(async (agent) => agent.stop()));
process.exit(0);
