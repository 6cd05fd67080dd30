import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startService } from '@etcd-compute/testing/service';
import type { Folders } from './folders.js';
import { LIBVIRT_URI } from './libvirtd.js';
import { findService } from './processes.js';
import { placementSection, type DemoRecord } from './record.js';
import { serverFiles } from './servers.js';
import type { Stage } from './stages.js';

/** `ecompute` of this clone, on the demo's own host. */
export const ensureAgent = async (folders: Folders, record: DemoRecord, stage: Stage): Promise<void> => {
  const configPath = join(folders.dir, 'compute.yaml');
  const config = renderConfig(record);
  const stateFile = serverFiles(folders).ecompute;
  const running = await findService(stateFile);
  const isSame = (await readFile(configPath, 'utf8').catch(() => undefined)) === config;
  if (running && isSame) {
    stage.outcome(`runs as host ${record.hostName}`);
    return;
  }
  await running?.stop();
  await writeFile(configPath, config);
  const logPath = join(folders.dir, 'ecompute.log');
  const logStart = await readFile(logPath).then(
    ({ length }) => length,
    () => 0,
  );
  await startService(
    {
      name: 'ecompute',
      command: PROGRAM,
      args: ['--config', configPath],
      dropEnv: 'ECOMPUTE_',
      logPath,
      detached: true,
      stateFile,
      // A libvirtd without its notes asks QEMU what it can do, which takes a minute where it is slow.
      readyTimeoutMs: 180_000,
    },
    async () => (await readFile(logPath)).subarray(logStart).includes('"ecompute is ready"'),
  );
  stage.outcome(`started as host ${record.hostName}`);
};

const PROGRAM = fileURLToPath(new URL('../../packages/agent/bin/ecompute.js', import.meta.url));

/** JSON, which is YAML too. */
const renderConfig = (record: DemoRecord): string => {
  const { host, hostName, hostStateDir, ports, libvirt } = record;
  const config = {
    uuid: host,
    name: hostName,
    state_dir: hostStateDir,
    etcd: { host: '127.0.0.1', port: ports.etcd },
    placement: placementSection(record),
    libvirt: { uri: LIBVIRT_URI },
    network: { name: libvirt?.name, cidr: libvirt?.cidr },
    disks: { pool: libvirt?.name },
    images: { allow_private: ['127.0.0.1'] },
    // Tiny guests that do nothing: a small machine can hold many.
    inventory: { VCPU: { allocation_ratio: 16 } },
    presence_ttl: 5,
    // What an eschedule that was killed has left in Placement is released soon.
    audit: { grace: 60 },
    log: { format: 'json' },
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
};
