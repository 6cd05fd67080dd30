import { randomUUID } from 'node:crypto';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addUser, openCloud, type Answer, type Cloud } from '../../../packages/api/test/a-cloud.js';
import { startWorld, type World } from '../fixtures/agent-world.js';

/** Interfaces of servers by `os-interface`, on a host with two networks. */
let world: World;
let agent: Ecompute;
let cloud: Cloud;
let admin = '';
let token = '';
let server = '';
let first: { id: string };
let storage: { id: string };

beforeAll(async () => {
  world = await startWorld();
  agent = await world.startAgent({
    placement: 'etcd',
    config: { network: { cidr: '10.45.0.0/24' }, networks: [{ name: 'storage', cidr: '10.46.0.0/24' }] },
  });
  const imageOf = async () => ({ image: world.imageUrl, minDiskGiB: 0, minRamMiB: 0, virtualSizeBytes: 4096 });
  cloud = await openCloud(world.etcd, '', { imageOf });
  admin = await cloud.logIn('admin', 'admin');
  await addUser(cloud, { admin, name: 'ann', project: 'ours', role: 'member' });
  token = await cloud.logIn('ann', 'ours');
  await cloud.askAt('/compute/v2.1')('POST /flavors', {
    token: admin,
    body: { flavor: { id: 'small', name: 'small', ram: 64, vcpus: 1, disk: 1 } },
  });
  const { networks } = (await cloud.askAt('/network/v2.0')('GET /networks?sort_key=name', { token })).body;
  [first, storage] = networks;
  const body = {
    server: { name: 'web', imageRef: randomUUID(), flavorRef: 'small', networks: [{ uuid: first.id }] },
  };
  server = (await ask('POST /servers', body)).body.server.id;
  await waitForStatus('ACTIVE');
});
afterAll(async () => {
  await cloud[Symbol.asyncDispose]();
  await agent.stop();
  await world[Symbol.asyncDispose]();
});

const ask = async (request: string, body?: object, as = token): Promise<Answer> =>
  cloud.askAt('/compute/v2.1')(request, { token: as, ...(body && { body }) });
const act = async (action: object): Promise<Answer> => ask(`POST /servers/${server}/action`, action);
const attach = async (interfaceAttachment: object): Promise<Answer> =>
  ask(`POST /servers/${server}/os-interface`, { interfaceAttachment });
const list = async () => (await ask(`GET /servers/${server}/os-interface`)).body.interfaceAttachments;
const waitForStatus = async (status: string): Promise<void> => {
  await waitFor(async () => (await ask(`GET /servers/${server}`)).body.server.status === status, {
    what: `the server to be ${status}`,
    onTimeout: async () => world.tailLogs(),
  });
};

test('what cannot be chosen is refused', async () => {
  const [own] = await list();
  const say = async (wanted: object): Promise<string> => {
    const { status, body } = await attach(wanted);
    return `${status} ${JSON.stringify(body)}`;
  };
  expect(await say({ net_id: first.id })).toMatch(/^409 .*is on the network 'ecompute' already/);
  expect(await say({ net_id: randomUUID() })).toMatch(/^404 .*could not be found/);
  expect(await say({ port_id: own.port_id })).toMatch(/^409 .*still in use/);
  expect(await say({ port_id: randomUUID() })).toMatch(/^404/);
  expect(await say({ net_id: storage.id, port_id: own.port_id })).toMatch(/^400/);
  expect(await say({ net_id: storage.id, fixed_ips: [{ ip_address: '10.46.0.9' }] })).toMatch(
    /^400 .*chooses its addresses/,
  );
  expect(await say({ net_id: storage.id, tag: 'x' })).toMatch(/^400/);
  expect((await ask(`DELETE /servers/${server}/os-interface/${randomUUID()}`)).status).toBe(404);
  expect((await ask(`DELETE /servers/${server}/os-interface/${own.port_id}`)).status).toBe(409);
  await cloud.askAt('/compute/v2.1')(`POST /servers/${server}/action`, { token: admin, body: { lock: null } });
  expect(await say({ net_id: storage.id })).toMatch(/^409 .*locked/);
  await cloud.askAt('/compute/v2.1')(`POST /servers/${server}/action`, { token: admin, body: { unlock: null } });
  await act({ pause: null });
  await waitForStatus('PAUSED');
  expect(await say({ net_id: storage.id })).toMatch(
    /^409 .*'attach_interface' instance .* while it is in vm_state paused/,
  );
  await act({ unpause: null });
  await waitForStatus('ACTIVE');
  expect(await list()).toHaveLength(1);
});

test.each([
  ['ACTIVE', 'ACTIVE'],
  ['SHUTOFF', 'DOWN'],
])('%s: an interface is attached, with its address, and detached again', async (status, port_state) => {
  if (status === 'SHUTOFF') await act({ 'os-stop': null });
  await waitForStatus(status);
  const { body, ...answer } = await attach({});
  expect({ status: answer.status, body }).toEqual({
    status: 200,
    body: {
      interfaceAttachment: {
        port_id: expect.any(String),
        net_id: storage.id,
        mac_addr: expect.stringMatching(/^52:54:00(:[0-9a-f]{2}){3}$/),
        port_state,
        fixed_ips: [{ ip_address: expect.stringMatching(/^10\.46\.0\.\d+$/), subnet_id: expect.any(String) }],
      },
    },
  });
  const { port_id } = body.interfaceAttachment;
  expect(await list()).toHaveLength(2);
  expect((await cloud.askAt('/network/v2.0')(`GET /ports/${port_id}`, { token })).body.port.device_id).toBe(server);
  expect((await ask(`GET /servers/${server}/ips`)).body.addresses).toHaveProperty('storage');
  expect((await attach({})).body.badRequest.message).toContain('on all networks');
  expect((await ask(`DELETE /servers/${server}/os-interface/${port_id}`)).status).toBe(202);
  await waitFor(async () => (await list()).length === 1, { what: 'the interface to go' });
  expect((await ask(`GET /servers/${server}/os-interface/${port_id}`)).status).toBe(404);
  const actions = (await ask(`GET /servers/${server}/os-instance-actions`)).body.instanceActions;
  expect(actions.slice(0, 2).map(({ action }: { action: string }) => action)).toEqual([
    'detach_interface',
    'attach_interface',
  ]);
});
