import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOpenstackCloud, type OpenstackCloud } from './openstack-cloud.js';

/** Networks, as OpenStack's own command line shows them. */
let cloud: OpenstackCloud;
beforeAll(async () => {
  cloud = await startOpenstackCloud();
});
afterAll(async () => cloud[Symbol.asyncDispose]());

test('the networks of hosts, and their subnets', async () => {
  const [network] = await cloud.ask('network list');
  expect(network).toMatchObject({ Name: 'ecompute' });
  const [subnet] = await cloud.ask('subnet list');
  expect(network.Subnets).toEqual([subnet.ID]);
  expect(await cloud.ask('network show ecompute')).toMatchObject({
    id: network.ID,
    status: 'ACTIVE',
    shared: true,
    'router:external': false,
    subnets: [subnet.ID],
  });
  expect(await cloud.ask(`network show ${network.ID}`)).toMatchObject({ name: 'ecompute' });
  expect(await cloud.ask('subnet show ecompute-ipv4')).toMatchObject({
    id: subnet.ID,
    cidr: '10.45.0.0/24',
    gateway_ip: '10.45.0.1',
    allocation_pools: [{ start: '10.45.0.2', end: '10.45.0.254' }],
    enable_dhcp: true,
  });
  expect(await cloud.ask('subnet list --network ecompute --ip-version 4')).toHaveLength(1);
  expect(await cloud.ask('subnet list --ip-version 6')).toEqual([]);
});

test('the security group, which is what it is', async () => {
  expect(await cloud.ask('security group list')).toMatchObject([{ Name: 'default' }]);
  expect((await cloud.ask('security group show default')).rules).toHaveLength(4);
  const rules = await cloud.ask('security group rule list default --long');
  expect(
    rules.map((rule: { Direction: string; Ethertype: string }) => `${rule.Direction} ${rule.Ethertype}`).toSorted(),
  ).toEqual(['egress IPv4', 'egress IPv6', 'ingress IPv4', 'ingress IPv6']);
});

test('what there is none of is an empty list', async () => {
  for (const what of ['port list', 'router list', 'floating ip list', 'subnet pool list'])
    expect({ what, found: await cloud.ask(what) }).toEqual({ what, found: [] });
  expect(await cloud.ask('extension list --network')).toContainEqual(
    expect.objectContaining({ Alias: 'security-group' }),
  );
});

test.each([
  ['network create web', 'the operator sets them in compute.yaml'],
  ['network delete ecompute', 'the operator sets them in compute.yaml'],
  ['subnet create --network ecompute --subnet-range 10.0.0.0/24 web', 'the operator sets them in compute.yaml'],
  ['port create --network ecompute web', 'come and go with the servers'],
  ['security group create web', 'no security groups but `default`'],
  ['security group rule create default --protocol tcp --dst-port 22', 'no security groups but `default`'],
  ['router create web', 'There are no routers yet'],
  ['subnet pool create --pool-prefix 10.0.0.0/8 web', 'the operator sets them in compute.yaml'],
])('openstack %s: refused with a sentence', async (line, sentence) => {
  // Some print the reason to standard output and end well: the sentence is what counts.
  expect(await cloud.type(line)).toContain(sentence);
});
