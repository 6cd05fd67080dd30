import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCloud } from '@etcd-compute/cloud';
import { instanceUuidSchema } from '@etcd-compute/common/ids';
import { eapiProgram, startEapi, type EapiServer } from '@etcd-compute/testing/eapi';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { runCommand } from '@etcd-compute/testing/run-command';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { start } from '../fixtures/eschedule-fixture.js';
import { SMALL, startWorld, waitForState, type World } from '../fixtures/agent-world.js';

/** What `/network` tells of the networks that agents have, and of the interfaces of instances. */
let world: World;
let agent: Ecompute;
let eapi: EapiServer;
let token = '';
let project = '';

beforeAll(async () => {
  world = await startWorld();
  [agent, eapi] = await Promise.all([
    world.startAgent({ config: { network: { cidr: '10.45.0.0/24', cidr6: 'fd00:45::/64' } } }),
    startEapi({ etcd: world.etcd }),
  ]);
  const bootstrap = [process.execPath, eapiProgram, 'bootstrap', '--config', eapi.configPath];
  const { stdout } = await runCommand([...bootstrap, '--clouds', join(eapi.dir, 'clouds.yaml')]);
  const user = { name: 'admin', domain: { id: 'default' }, password: stdout.trim() };
  const auth = {
    identity: { methods: ['password'], password: { user } },
    scope: { project: { name: 'admin', domain: { id: 'default' } } },
  };
  const response = await fetch(`${eapi.authUrl}/auth/tokens`, { method: 'POST', body: JSON.stringify({ auth }) });
  token = response.headers.get('x-subject-token') ?? '';
  project = (await readJson(response)).token.project.id;
});
afterAll(async () => {
  await agent.stop();
  await eapi.stop();
  await world[Symbol.asyncDispose]();
});

// eslint-disable-next-line typescript/no-explicit-any -- tests say what they look for
const readJson = async (response: Response): Promise<any> => response.json();

const ask = async (path: string) =>
  readJson(await fetch(`${eapi.endpoint}/network/v2.0/${path}`, { headers: { 'x-auth-token': token } }));

test('a network of a host, with what its agent gives out there', async () => {
  const { networks } = await ask('networks');
  expect(networks).toMatchObject([{ name: 'ecompute', status: 'ACTIVE', shared: true, project_id: '' }]);
  const { subnets } = await ask(`subnets?network_id=${networks[0].id}&sort_key=cidr`);
  expect(subnets).toMatchObject([
    { cidr: '10.45.0.0/24', gateway_ip: '10.45.0.1', ip_version: 4, enable_dhcp: true },
    { cidr: 'fd00:45::/64', gateway_ip: 'fd00:45::1', ip_version: 6 },
  ]);
  expect(networks[0].subnets.toSorted()).toEqual(subnets.map(({ id }: { id: string }) => id).toSorted());
});

test('a port for each interface of an instance, as long as the instance is there', async () => {
  const cloud = createCloud({ store: world.store, capacity: world.capacity, project });
  const { booted } = await cloud.boot({ want: { resources: SMALL }, image: world.imageUrl, networks: ['ecompute'] });
  const instance = instanceUuidSchema.parse(booted[0]?.instance.instance);
  const record = await waitForState(world, instance, 'active');
  const { networks } = await ask('networks');
  const { subnets } = await ask('subnets?ip_version=4');
  const { ports } = await ask(`ports?device_id=${instance}`);
  expect(ports).toMatchObject([
    {
      network_id: networks[0].id,
      mac_address: record.nics?.[0]?.mac,
      device_owner: 'compute:nova',
      fixed_ips: [{ ip_address: '10.45.0.2', subnet_id: subnets[0].id }],
      status: 'ACTIVE',
      project_id: project,
      'binding:host_id': agent.uuid,
    },
  ]);
  // When it was updated may be another moment by now.
  const port = { ...ports[0], updated_at: expect.any(String) };
  expect((await ask('ports')).ports).toEqual([port]);
  expect((await ask(`ports/${ports[0].id}`)).port).toEqual(port);
  expect((await ask(`quotas/${project}/details`)).quota.port).toEqual({ limit: -1, used: 1, reserved: 0 });

  const config = join(eapi.dir, 'schedule.yaml');
  const { etcd, placement } = world;
  await writeFile(config, JSON.stringify({ etcd: { host: etcd.host, port: etcd.port }, placement: placement.section }));
  const eschedule = async (...argv: string[]): Promise<string> =>
    (await start([...argv, '--config', config], eapi.dir).finished).stdout;
  expect(await eschedule('list', '--all-projects')).toMatch(new RegExp(`^admin +.*${instance}`, 'm'));
  expect(await eschedule('show', instance)).toMatch(new RegExp(`^project: +admin \\(${project}\\)$`, 'm'));
  expect(JSON.parse(await eschedule('show', instance, '-o', 'json'))).toMatchObject({ project });

  await cloud.destroy([instance]);
  await waitFor(async () => (await ask('ports')).ports.length === 0, { what: 'the port to go' });
  expect(await ask(`ports/${ports[0].id}`)).toMatchObject({ NeutronError: { type: 'PortNotFound' } });
});

test('a network is there as long as a host has it', async () => {
  await agent.stop();
  const count = async (): Promise<number> => (await ask('networks')).networks.length;
  await waitFor(async () => (await count()) === 0, { what: 'the network to go' });
  await agent.restart();
  await waitFor(async () => (await count()) > 0, { what: 'the network to come back' });
  expect(await count()).toBe(1);
});
