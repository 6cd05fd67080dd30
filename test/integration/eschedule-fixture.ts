/** A cloud for tests of `eschedule`: a real etcd, a real Placement, and hosts whose agents the test itself plays. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { etcdSection, placementSection } from '@etcd-compute/common/config/sections';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import {
  instanceRecordSchema,
  withState,
  type InstanceRecord,
  type InstanceState,
} from '@etcd-compute/common/etcd/messages/instance-record';
import { LAYOUT } from '@etcd-compute/common/etcd/messages/presence';
import { openStore, type Entry } from '@etcd-compute/common/etcd/store';
import { instanceUuidSchema, newProviderUuid, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { createPlacementCapacity } from '@etcd-compute/common/capacity/placement-capacity';
import { getHeld, listProviderAllocations } from '@etcd-compute/common/placement/allocations';
import { openPlacement } from '@etcd-compute/common/placement/client';
import {
  ensureResourceProvider,
  listResourceProviders,
  putInventories,
} from '@etcd-compute/common/placement/resource-providers';
import { startEtcd } from '@etcd-compute/testing/etcd-server';
import { startPlacement } from '@etcd-compute/testing/placement-server';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { WISH_KINDS } from '@etcd-compute/common/wishes/kinds';
import { waitFor } from '@etcd-compute/testing/wait-for';

export const PROGRAM = fileURLToPath(import.meta.resolve('@etcd-compute/scheduler/eschedule.cjs'));

/** JSON without a claim on its shape. */
export const parseJson = (text: string): unknown => JSON.parse(text);

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly finished: Promise<Finished>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

export interface HostOptions {
  readonly name: string;
  readonly vcpus?: number;
  readonly memoryMiB?: number;
  readonly diskGiB?: number;
  readonly reserved?: number;
  /** `none`: it has no agent. Default `up`. */
  readonly agent?: 'up' | 'draining' | 'none';
  /** 1 is that of an agent of an older version. Default: of this one. */
  readonly layout?: number;
}

export interface RunOptions {
  /** Replaces the file that names this cloud's etcd and Placement. */
  readonly config?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs in the folder, so that a `schedule.yaml` there is found. */
export const start = (argv: readonly string[], folder: string, env: NodeJS.ProcessEnv = {}): Running => {
  const child = spawn(process.execPath, [PROGRAM, ...argv], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const finished = Promise.all([exited, readText(child.stdout), readText(child.stderr)]).then(
    ([code, stdout, stderr]) => ({ code, stdout, stderr }),
  );
  return { finished, kill: (signal) => child.kill(signal) };
};

export const startCloud = async () => {
  const folder = await makeTempDir('eschedule');
  const [etcd, placementServer] = await Promise.all([startEtcd(), startPlacement()]);
  const store = await openStore(etcdSection.parse({ host: etcd.host, port: etcd.port, timeout: 60 }));
  const placement = await openPlacement(placementSection.parse({ endpoint: placementServer.endpoint }));
  const capacity = createPlacementCapacity(placement);
  const keys = createKeys('');

  const writeConfig = async (
    endpoints: { etcdPort?: number; placement?: string; more?: string } = {},
  ): Promise<string> => {
    const path = join(folder.path, `schedule-${randomUUID()}.yaml`);
    // Short only where a test takes the server away: a busy machine can be slow.
    const [etcdTimeout, placementTimeout] = [endpoints.etcdPort ? 5 : 60, endpoints.placement ? 10 : 60];
    await writeFile(
      path,
      `etcd: {host: 127.0.0.1, port: ${endpoints.etcdPort ?? etcd.port}, timeout: ${etcdTimeout}}
placement: {endpoint: "${endpoints.placement ?? placementServer.endpoint}", timeout: ${placementTimeout}}
${endpoints.more ?? ''}`,
    );
    return path;
  };
  const ownConfig = await writeConfig();

  const run = (argv: readonly string[], options: RunOptions = {}): Running =>
    start([...argv, '--config', options.config ?? ownConfig], folder.path, options.env);

  const put = async (key: string, value: string): Promise<void> => {
    const modRevision = (await store.get(key))?.modRevision ?? '0';
    await store.txn([{ key, modRevision }], [{ op: 'put', key, value }]);
  };

  const addHost = async (options: HostOptions): Promise<ProviderUuid> => {
    const { name, vcpus = 4, memoryMiB = 4096, diskGiB = 100, reserved = 0, agent = 'up', layout = LAYOUT } = options;
    const uuid = newProviderUuid();
    const { generation } = await ensureResourceProvider(placement, { uuid, name: `${name}-${uuid}` });
    const inventory = (total: number, reserved = 0) => ({ total, reserved, allocation_ratio: 1, max_unit: total });
    const inventories = {
      VCPU: inventory(vcpus, reserved),
      MEMORY_MB: inventory(memoryMiB),
      DISK_GB: inventory(diskGiB),
    };
    await putInventories(placement, uuid, { inventories, generation });
    if (agent === 'none') return uuid;
    const presence = {
      version: 1,
      host: uuid,
      hostname: name,
      session: randomUUID(),
      layout,
      ...(layout >= LAYOUT && { wishes: Object.keys(WISH_KINDS) }),
      state: agent,
      agent_version: '0.1.0',
      hypervisor: { type: 'test', version: '1', uri: 'test:///default' },
      started_at: '2026-01-01T00:00:00.000Z',
      process: { machine: 'a', boot_id: 'b', pid: 1, start_ticks: '1' },
    };
    await put(keys.agent(uuid), JSON.stringify(presence));
    return uuid;
  };

  /** Where the record of an instance stands, whatever its host. */
  const findReport = async (instance: InstanceUuid): Promise<Entry | undefined> =>
    (await store.list(keys.reports)).entries.find(({ key }) => key.endsWith(`/${instance}`));

  const getRecord = async (instance: InstanceUuid): Promise<InstanceRecord> => {
    const entry = await findReport(instance);
    if (!entry) throw new Error(`there is no record of ${instance}`);
    return instanceRecordSchema.parse(JSON.parse(entry.value));
  };

  /** What an agent does to a record. */
  const report = async (
    instance: InstanceUuid,
    state: InstanceState,
    changes: Partial<InstanceRecord> = {},
  ): Promise<void> => {
    const record = await getRecord(instance);
    const next = withState(record, state, { reason: `now ${state}`, now: new Date(), ...changes });
    await put(keys.report(next.host, instance), JSON.stringify(next));
  };

  const listRequests = async () => {
    const { entries } = await store.list(keys.requests);
    return entries.map((entry) => ({ ...keys.parseRequest(entry.key), value: parseJson(entry.value) }));
  };

  /** The one boot request that there is, when it has come in. */
  const waitForRequest = async (): Promise<{ host: ProviderUuid; instance: InstanceUuid }> =>
    waitFor(
      async () => {
        const [request, more] = await listRequests();
        return request?.host && request.instance && !more && { host: request.host, instance: request.instance };
      },
      { what: 'one boot request' },
    );

  const allocationsOn = async (host: ProviderUuid): Promise<string[]> =>
    Object.keys(await listProviderAllocations(placement, host));

  /** Every instance that holds anything anywhere. */
  const listAllocations = async (): Promise<string[]> => {
    const providers = await listResourceProviders(placement);
    return (await Promise.all(providers.map(({ uuid }) => allocationsOn(uuid)))).flat();
  };

  /** What a command that failed must not leave: whatever is about an instance, and allocations. */
  const listLeftovers = async (): Promise<string[]> => {
    const prefixes = [keys.requests, keys.reports, keys.locations, keys.names, keys.endings];
    const lists = await Promise.all(prefixes.map(async (prefix) => store.listKeys(prefix)));
    return [...lists.flatMap(({ entries }) => entries.map(({ key }) => key)), ...(await listAllocations())];
  };

  const deleteAll = async (prefix: string): Promise<void> => {
    for (const { key, modRevision } of (await store.list(prefix)).entries)
      await store.txn([{ key, modRevision }], [{ op: 'delete', key }]);
  };

  /** An empty cloud again, for the next test. */
  const reset = async (): Promise<void> => {
    for (const consumer of await listAllocations()) await capacity.release(instanceUuidSchema.parse(consumer));
    for (const { uuid } of await listResourceProviders(placement))
      await fetch(`${placementServer.endpoint}/resource_providers/${uuid}`, {
        method: 'DELETE',
        headers: { 'x-auth-token': 'admin' },
      });
    await deleteAll('/');
  };

  const stop = async (): Promise<void> => {
    placement.close();
    await store.close();
    await Promise.all([etcd.stop(), placementServer.stop()]);
    await folder[Symbol.asyncDispose]();
  };

  return {
    folder: folder.path,
    etcd,
    placementServer,
    store,
    placement,
    keys,
    addHost,
    allocationsOn,
    getAllocations: async (instance: InstanceUuid) => getHeld(placement, instance),
    capacity,
    findReport,
    getRecord,
    listAllocations,
    listLeftovers,
    listRequests,
    put,
    report,
    reset,
    run,
    stop,
    waitForRequest,
    writeConfig,
    eschedule: async (argv: readonly string[], options?: RunOptions) => run(argv, options).finished,
    eschedulePlain: async (argv: readonly string[], env?: NodeJS.ProcessEnv) => start(argv, folder.path, env).finished,
  };
};

export type TestCloud = Awaited<ReturnType<typeof startCloud>>;

export interface FrontReply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body: string;
}

export interface FrontHooks {
  /** A reply of its own, or undefined to pass the request on. */
  readonly answer?: (method: string, path: string) => FrontReply | undefined | Promise<FrontReply | undefined>;
  /** Runs when the real service has answered. `drop` loses its reply. */
  readonly beforeReply?: (method: string, path: string) => 'send' | 'drop' | Promise<'send' | 'drop'>;
}

/** An HTTP server before Placement that can answer in its place, lose its replies, and act between question and answer. */
export const startPlacementFront = async (endpoint: string, { answer, beforeReply }: FrontHooks) => {
  const server = createServer((request, response) => {
    const { method = 'GET', url = '/' } = request;
    const handle = async (): Promise<void> => {
      const own = await answer?.(method, url);
      if (own) {
        response.writeHead(own.status, { 'content-type': 'application/json', ...own.headers }).end(own.body);
        return;
      }
      const body = await readText(request);
      const headers = Object.fromEntries(
        ['x-auth-token', 'openstack-api-version', 'content-type'].map((name) => [name, String(request.headers[name])]),
      );
      const reply = await fetch(endpoint + url, { method, headers, ...(body !== '' && { body }) });
      const text = await reply.text();
      if ((await beforeReply?.(method, url)) === 'drop') request.socket.destroy();
      else {
        const lastModified = reply.headers.get('last-modified');
        const passed = {
          'content-type': 'application/json',
          ...(lastModified !== null && { 'last-modified': lastModified }),
        };
        response.writeHead(reply.status, passed).end(text);
      }
    };
    handle().catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
