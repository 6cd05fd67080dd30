import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { etcdSection } from '@etcd-compute/common/config/sections';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { eapiProgram, startEapi, type EapiServer } from '@etcd-compute/testing/eapi';
import { startEcompute, type Ecompute } from '@etcd-compute/testing/ecompute';
import { startEtcd } from '@etcd-compute/testing/etcd-server';
import { createResources } from '@etcd-compute/testing/resources';
import { runCommand } from '@etcd-compute/testing/run-command';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { logIn, type ApiClient } from './client.js';

/** etcd, eapi and hosts on libvirt's test driver, with what a server is made of. */
export interface ApiStage extends AsyncDisposable {
  readonly store: Store;
  readonly eapi: EapiServer;
  readonly agents: readonly Ecompute[];
  readonly client: ApiClient;
  readonly flavor: string;
  readonly image: string;
}

const FLAVOR = 'bench';
/** The smallest disk that is one. */
const DISK = new Uint8Array(512).fill(0x55, 510, 511).fill(0xaa, 511);

export const openApiStage = async (hosts: number): Promise<ApiStage> => {
  const resources = createResources();
  const { keep } = resources;
  try {
    const { path: dir } = keep(await makeTempDir('bench'));
    const etcd = keep(await startEtcd());
    const store = keep(await openStore(etcdSection.parse({ host: etcd.host, port: etcd.port })));
    const eapi = keep(await startEapi({ etcd, dir: join(dir, 'eapi') }));
    const bootstrap = [process.execPath, eapiProgram, 'bootstrap', '--config', eapi.configPath];
    const { stdout } = await runCommand([...bootstrap, '--clouds', join(dir, 'clouds.yaml')]);
    const agents: Ecompute[] = [];
    for (let index = 0; index < hosts; index += 1) {
      const agentDir = join(dir, `agent-${index}`);
      await mkdir(agentDir);
      const room = { allocation_ratio: 1000 };
      const config = {
        name: `host-${index}`,
        network: { cidr: `10.${60 + index}.0.0/20` },
        inventory: { VCPU: room, MEMORY_MB: room, DISK_GB: room },
        log: { level: 'info', format: 'json' },
      };
      agents.push(keep(await startEcompute({ etcd, placement: 'etcd', dir: agentDir, config })));
    }
    const client = await logIn(eapi.endpoint, stdout.trim());
    const image = await prepare(client);
    const stage = { store, eapi, agents, client, image, flavor: FLAVOR };
    return { ...stage, [Symbol.asyncDispose]: async () => resources[Symbol.asyncDispose]() };
  } catch (err) {
    await resources[Symbol.asyncDispose]();
    throw err;
  }
};

/** A flavor, an image, and no limits. @returns the image's id. */
const prepare = async ({ send }: ApiClient): Promise<string> => {
  const flavor = { id: FLAVOR, name: FLAVOR, vcpus: 1, ram: 64, disk: 1 };
  await send('POST', '/compute/v2.1/flavors', { flavor });
  const { text } = await send('GET', '/identity/v3/projects?name=admin');
  const project: unknown = JSON.parse(text).projects[0].id;
  const quota_set = { instances: -1, cores: -1, ram: -1 };
  await send('PUT', `/compute/v2.1/os-quota-sets/${String(project)}`, { quota_set });
  const made = await send('POST', '/image/v2/images', { name: 'disk', disk_format: 'raw', container_format: 'bare' });
  const id = String(JSON.parse(made.text).id);
  await send('PUT', `/image/v2/images/${id}/file`, DISK);
  return id;
};
