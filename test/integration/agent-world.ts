import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { etcdSection, placementSection } from '@etcd-compute/common/config/sections';
import { createKeys, type Keys } from '@etcd-compute/common/etcd/keys';
import { instanceRecordSchema, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { GuestMembers } from '@etcd-compute/common/etcd/messages/guest-config';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { openStore, type Entry, type Store } from '@etcd-compute/common/etcd/store';
import { newInstanceUuid, providerUuidSchema, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { getHeld } from '@etcd-compute/common/placement/allocations';
import { openPlacement, type PlacementClient } from '@etcd-compute/common/placement/client';
import { bringPorts, type BroughtPorts } from '@etcd-compute/testing/bring-ports';
import { startEcompute, type Ecompute, type EcomputeOptions } from '@etcd-compute/testing/ecompute';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { startImageServer, type ImageServer } from '@etcd-compute/testing/image-server';
import { startPlacement, type PlacementServer } from '@etcd-compute/testing/placement-server';
import { runCommand } from '@etcd-compute/testing/run-command';
import { tailLog } from '@etcd-compute/testing/service';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { startTcpProxy, type TcpProxy } from '@etcd-compute/testing/tcp-proxy';
import { waitFor } from '@etcd-compute/testing/wait-for';

type AgentOptions = Partial<EcomputeOptions> & {
  /** The libvirtd in whose network it runs, as on a host: the packet filter is set where the agent is. */
  readonly beside?: { readonly netnsPath: string };
};

/** The servers around an agent, and a scheduler's part played by hand. One per test file. */
export interface World extends AsyncDisposable {
  readonly etcd: EtcdServer;
  /** Between the agent and etcd. */
  readonly etcdProxy: TcpProxy;
  readonly placement: PlacementServer;
  readonly images: ImageServer;
  readonly dir: TempDir;
  readonly store: Store;
  readonly client: PlacementClient;
  readonly keys: Keys;
  /** The URL of a small raw image with a boot sector. */
  readonly imageUrl: string;
  startAgent(options?: AgentOptions): Promise<Ecompute>;
  /** What the agents said last: it tells why a wait was in vain. */
  tailLogs(): Promise<string>;
  /** An `etcdctl` on this etcd, as a person uses it. */
  etcdctl(...args: string[]): Promise<string>;
  request(method: 'GET' | 'PUT' | 'POST', path: string, body?: unknown): Promise<unknown>;
}

/** What is small enough for an image and has a boot sector's mark. */
export const rawImage = (sizeBytes = 4096, fill = 0): Buffer => {
  const image = Buffer.alloc(sizeBytes, fill);
  image.set([0x55, 0xaa], 510);
  return image;
};

export const startWorld = async (): Promise<World> => {
  const dir = await makeTempDir('agent-world');
  const path = join(dir.path, 'tiny.raw');
  await writeFile(path, rawImage());
  const [etcd, placement, images] = await Promise.all([
    startEtcd(),
    startPlacement(),
    startImageServer({ tiny: path }),
  ]);
  const store = await openStore(etcdSection.parse({ host: etcd.host, port: etcd.port, timeout: 60 }));
  const etcdProxy = await startTcpProxy(etcd);
  const client = await openPlacement(placementSection.parse({ endpoint: placement.endpoint }));
  const entered = new Map<string, BroughtPorts>();
  const logPaths = new Set<string>();
  const enter = async ({ netnsPath }: { netnsPath: string }): Promise<readonly string[]> => {
    const ports = [etcdProxy.port, Number(new URL(placement.endpoint).port), images.port];
    const brought = entered.get(netnsPath) ?? (await bringPorts(ports, { netnsPath }));
    entered.set(netnsPath, brought);
    return brought.wrapper;
  };
  return {
    etcd,
    etcdProxy,
    placement,
    images,
    dir,
    store,
    client,
    keys: createKeys(''),
    imageUrl: images.url('tiny'),
    startAgent: async ({ beside, wrapper = [], ...options } = {}) => {
      const outer = beside ? await enter(beside) : [];
      const agent = await startEcompute({ etcd: etcdProxy, placement, ...options, wrapper: [...outer, ...wrapper] });
      logPaths.add(agent.logPath);
      return agent;
    },
    tailLogs: async () => (await Promise.all([...logPaths].map(async (path) => tailLog(path, 60)))).join('\n'),
    etcdctl: async (...args) => {
      const { stdout } = await runCommand(['etcdctl', '--endpoints', `${etcd.host}:${etcd.port}`, ...args], {
        env: { ...process.env, ETCDCTL_API: '3' },
      });
      return stdout;
    },
    request: async (method, requestPath, body) => callPlacement(placement.endpoint + requestPath, { method, body }),
    [Symbol.asyncDispose]: async () => {
      for (const brought of entered.values()) await brought[Symbol.asyncDispose]();
      client.close();
      await store.close();
      await Promise.all([images.stop(), etcdProxy.stop()]);
      await Promise.all([etcd.stop(), placement.stop()]);
      await dir[Symbol.asyncDispose]();
    },
  };
};

/** One call to Placement, past our own client. @throws unless it is answered with 2xx. */
const callPlacement = async (url: string, { method, body }: { method: string; body: unknown }): Promise<unknown> => {
  const response = await fetch(url, {
    method,
    headers: {
      'x-auth-token': 'admin',
      'openstack-api-version': 'placement 1.39',
      'content-type': 'application/json',
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
};

/** Makes the agent lose its watch and list all its requests again; returns when it has acted on that list. */
export const makeAgentRelist = async (world: World, agent: Ecompute): Promise<void> => {
  const isTrouble = ({ msg }: { msg: string }): boolean => msg === 'boot requests not followed, trying again';
  const before = (await agent.readLog()).filter(isTrouble).length;
  await world.etcdProxy.refuse(true);
  world.etcdProxy.cutAll();
  await waitFor(async () => (await agent.readLog()).filter(isTrouble).length > before, { what: 'the watch to end' });
  const marker = `/hosts/${agent.uuid}/${newInstanceUuid()}`;
  await world.etcdctl('put', marker, 'marker');
  await world.etcdProxy.refuse(false);
  await agent.waitForLog('boot request or record not understood, left as it is', (line) => line['etcdKey'] === marker);
  await world.etcdctl('del', marker);
};

export const hostOf = (agent: Pick<Ecompute, 'uuid'>): ProviderUuid => providerUuidSchema.parse(agent.uuid);

export interface WishOptions {
  readonly instance?: InstanceUuid;
  readonly image?: string;
  /** A member of ours. */
  readonly checksum?: string | undefined;
  readonly resources?: Record<string, number>;
  /** Members that the original does not know. */
  readonly guest?: GuestMembers;
}

/** The original's message, with members in the original's order. */
export const bootMessage = (
  host: string,
  { instance = newInstanceUuid(), image, checksum, resources = SMALL, guest }: WishOptions,
): { instance: InstanceUuid; [member: string]: unknown } => ({
  allocations: { [host]: { resources } },
  user_id: USER,
  project_id: PROJECT,
  consumer_generation: null,
  instance,
  image,
  ...guest,
  ...(checksum !== undefined && { image_checksum: checksum }),
});

export const SMALL = { VCPU: 1, DISK_GB: 1, MEMORY_MB: 64 };
const USER = 'b3a4a3f4-6c52-4dbb-9d1e-7ca5d6eb7b2a';
const PROJECT = '0f6c3b8e-9a3d-4a52-9a4f-2f5f3f0a7f11';

/** Allocates for an instance as a scheduler does. */
export const allocateByHand = async (
  world: World,
  instance: string,
  allocations: Record<string, { resources: Record<string, number> }>,
): Promise<void> => {
  await world.request('PUT', `/allocations/${instance}`, {
    allocations,
    user_id: USER,
    project_id: PROJECT,
    consumer_generation: null,
    consumer_type: 'INSTANCE',
  });
};

/** A blind put, as the original does it. */
const putValue = async (world: World, key: string, value: unknown): Promise<void> => {
  const entry = await world.store.get(key);
  const guard = { key, modRevision: entry?.modRevision ?? '0' };
  await world.store.txn([guard], [{ op: 'put', key, value: JSON.stringify(value) }]);
};

/** Allocates, and puts the original's boot message. @returns the instance. */
export const boot = async (world: World, host: string, options: WishOptions = {}): Promise<InstanceUuid> => {
  const message = bootMessage(host, { image: world.imageUrl, ...options });
  await allocateByHand(world, message.instance, { [host]: { resources: options.resources ?? SMALL } });
  await putValue(world, `/hosts/${host}/${message.instance}`, message);
  return message.instance;
};

/** Puts the original's destroy message: what Placement holds, without the allocations. */
export const askToDestroy = async (world: World, host: string, instance: InstanceUuid): Promise<void> => {
  const held = await getHeld(world.client, instance);
  await putValue(world, `/hosts/${host}/${instance}`, { ...held, allocations: {}, instance, image: null });
};

/** Where the record of an instance stands, whatever its host. */
const findReport = async (world: World, instance: InstanceUuid): Promise<Entry | undefined> => {
  const { entries } = await world.store.list(world.keys.reports);
  return entries.find(({ key }) => key.endsWith(`/${instance}`));
};

export const findRecord = async (world: World, instance: InstanceUuid): Promise<InstanceRecord | undefined> => {
  const entry = await findReport(world, instance);
  return entry && parseMessage(instanceRecordSchema, entry.key, entry.value);
};

/** Waits until the record satisfies `check`; when it never does, the error shows the record. */
export const waitForRecord = async (
  world: World,
  instance: InstanceUuid,
  check: (record: InstanceRecord) => boolean,
): Promise<InstanceRecord> => {
  let last: InstanceRecord | undefined;
  return waitFor(
    async () => {
      last = await findRecord(world, instance);
      return last && check(last) ? last : undefined;
    },
    {
      what: `the record of instance ${instance}`,
      onTimeout: async () => `${JSON.stringify(last, undefined, 2)}\n${await world.tailLogs()}`,
    },
  );
};

export const waitForState = async (
  world: World,
  instance: InstanceUuid,
  state: InstanceRecord['state'],
): Promise<InstanceRecord> => waitForRecord(world, instance, (record) => record.state === state);

/** What an instance holds in Placement, by provider. */
export const heldBy = async (
  world: World,
  instance: InstanceUuid,
): Promise<Record<string, { resources: Record<string, number> }>> =>
  (await getHeld(world.client, instance)).allocations;
