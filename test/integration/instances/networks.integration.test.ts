import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { boot, hostOf, startWorld, waitForRecord, waitForState, type World } from '../fixtures/agent-world.js';

/** Several networks on one host, with libvirt's test driver: it gives every interface of a guest an address of its own invention. */
let world: World;
let agent: Ecompute;

beforeAll(async () => {
  world = await startWorld();
  agent = await world.startAgent({
    config: {
      period: 1,
      network: { cidr: '10.45.0.0/28' },
      networks: [
        { name: 'storage', cidr: '10.46.0.0/28' },
        { name: 'default', manage: false },
      ],
      bridges: ['br1'],
    },
  });
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const nicsOf = (...networks: readonly string[]) => networks.map((network, slot) => ({ slot, network }));

test('a host tells which networks it has', async () => {
  const entry = await world.store.get(world.keys.agent(hostOf(agent)));
  expect(JSON.parse(entry?.value ?? '{}')).toMatchObject({
    networks: ['ecompute', 'storage', 'default', 'bridge:br1'],
    subnets: [{ network: 'ecompute' }, { network: 'storage' }],
  });
});

test('a guest has an interface on each network that it asks for, in its order, and others only the first', async () => {
  const nics = nicsOf('storage', 'default', 'ecompute');
  const instance = await boot(world, agent.uuid, { nics });
  const { addresses, nics: reported } = await waitForRecord(world, instance, (record) => record.addresses.length === 3);
  // The MAC of a managed network is that of an address there: 10.46.0.2 and 10.45.0.2.
  const macs = ['52:54:00:2e:00:02', expect.stringMatching(/^52:(?!54:00:2[de])/), '52:54:00:2d:00:02'];
  const kept = [{ address: '10.46.0.2' }, {}, { address: '10.45.0.2' }];
  expect(reported).toEqual(nics.map((nic, index) => ({ ...nic, mac: macs[index], ...kept[index] })));
  expect(addresses.map(({ mac }) => mac)).toEqual(macs);
  const plain = await boot(world, agent.uuid);
  const record = await waitForRecord(world, plain, (one) => one.addresses.length > 0);
  expect(record.addresses.map(({ mac }) => mac)).toEqual(['52:54:00:2d:00:03']);
});

test('a guest that asks for a network that the host lacks fails, and says which there are', async () => {
  const instance = await boot(world, agent.uuid, { nics: nicsOf('backup') });
  const { fault } = await waitForState(world, instance, 'error');
  expect(fault).toMatchObject({
    code: 'ECOMPUTE_REQUEST_INVALID',
    message: `instance ${instance} wants the network 'backup', and this host has ecompute, storage, default, bridge:br1`,
    step: 'reserve-address',
    retryable: true,
  });
});
