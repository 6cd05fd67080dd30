import { NETWORK_PATH } from '@etcd-compute/api/network/network-service';
import type { InstanceView } from '@etcd-compute/cloud/instances/view';
import { portIdOf } from '@etcd-compute/api/network/engine/ids';
import { viewOfNetworks } from '@etcd-compute/api/network/engine/networks';
import { defaultGroupOf } from '@etcd-compute/api/network/engine/security-group';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addUser, openCloud, type Cloud } from '../a-cloud.js';

/**
 * Who may do what, for every route that there is: one that is not in the table fails. The callers are an `a`dmin, a `m`ember of a project,
 * a `r`eader of it, a member of an`o`ther one, and `n`obody. The ports, groups and quotas of the paths are the member's project's. Who
 * stands behind a dash is told that there is no such thing.
 */
const TABLE: Readonly<Record<string, string>> = {
  'GET ': 'amron',
  'GET /v2.0': 'amron',
  'GET /v2.0/extensions': 'amro',
  'GET /v2.0/extensions/:alias': 'amro',
  'GET /v2.0/networks': 'amro',
  'GET /v2.0/networks/:id': 'amro',
  'GET /v2.0/subnets': 'amro',
  'GET /v2.0/subnets/:id': 'amro',
  'GET /v2.0/ports': 'amro',
  'GET /v2.0/ports/:id': 'amr-o',
  'GET /v2.0/security-groups': 'amro',
  'GET /v2.0/security-groups/:id': 'amr-o',
  'POST /v2.0/security-groups': 'amo',
  'PUT /v2.0/security-groups/:id': 'am-o',
  'DELETE /v2.0/security-groups/:id': 'am-o',
  'GET /v2.0/security-group-rules': 'amro',
  'GET /v2.0/security-group-rules/:id': 'amr-o',
  'POST /v2.0/security-group-rules': 'amo',
  'DELETE /v2.0/security-group-rules/:id': 'am-o',
  'GET /v2.0/quotas': 'a',
  'GET /v2.0/quotas/:project': 'amr',
  'GET /v2.0/quotas/:project/default': 'amr',
  'GET /v2.0/quotas/:project/details': 'amr',
  'GET /v2.0/quotas/:project/details.json': 'amr',
  'PUT /v2.0/quotas/:project': 'a',
  'DELETE /v2.0/quotas/:project': 'a',
  'POST /v2.0/networks': 'amo',
  'PUT /v2.0/networks/:id': 'amo',
  'DELETE /v2.0/networks/:id': 'amo',
  'POST /v2.0/subnets': 'amo',
  'PUT /v2.0/subnets/:id': 'amo',
  'DELETE /v2.0/subnets/:id': 'amo',
  'POST /v2.0/ports': 'amo',
  'PUT /v2.0/ports/:id': 'am-o',
  'DELETE /v2.0/ports/:id': 'am-o',
  ...Object.fromEntries(
    ['routers', 'floatingips', 'subnetpools'].flatMap((what) => [
      [`GET /v2.0/${what}`, 'amro'],
      [`POST /v2.0/${what}`, 'amo'],
      // There is none.
      [`GET /v2.0/${what}/:id`, '-amro'],
      [`PUT /v2.0/${what}/:id`, '-amo'],
      [`DELETE /v2.0/${what}/:id`, '-amo'],
    ]),
  ),
};

const INSTANCE = '6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d';
const VIEW = viewOfNetworks([
  {
    networks: ['ecompute'],
    subnets: [
      { network: 'ecompute', cidr: '10.45.0.0/24', gateway: '10.45.0.1', first: '10.45.0.2', last: '10.45.0.254' },
    ],
  },
]);

let etcd: EtcdServer;
let cloud: Cloud;
let project = '';
const tokens = new Map<string, string | undefined>();

/** The member's project has one server. */
const listServers = (): readonly InstanceView[] => {
  const server: Partial<InstanceView> = {
    instance: INSTANCE,
    project,
    host: 'h',
    hostName: 'compute-1',
    state: 'active',
    nics: [{ network: 'ecompute', mac: '52:54:00:2d:00:02', addresses: ['10.45.0.2'] }],
    createdAt: '2026-01-01T00:00:00.123Z',
    updatedAt: '2026-01-01T00:00:00.123Z',
  };
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- ports are made of these members
  return [server as InstanceView];
};

beforeAll(async () => {
  etcd = await startEtcd();
  cloud = await openCloud(etcd, undefined, {
    network: {
      hosts: { view: () => VIEW, hostName: () => 'compute-1' },
      instances: {
        list: async (wanted) => listServers().filter((server) => wanted === undefined || server.project === wanted),
        find: async (ids) => listServers().filter(({ instance }) => ids.includes(instance)),
      },
    },
  });
  const admin = await cloud.logIn('admin', 'admin');
  await addUser(cloud, { admin, name: 'member', project: 'ours', role: 'member' });
  await addUser(cloud, { admin, name: 'reader', project: 'ours', role: 'reader' });
  await addUser(cloud, { admin, name: 'other', project: 'theirs', role: 'member' });
  project = (await cloud.ask('GET /v3/projects?name=ours', { token: admin })).body.projects[0].id;
  tokens.set('a', admin);
  tokens.set('m', await cloud.logIn('member', 'ours'));
  tokens.set('r', await cloud.logIn('reader', 'ours'));
  tokens.set('o', await cloud.logIn('other', 'theirs'));
});
afterAll(async () => {
  await cloud[Symbol.asyncDispose]();
  await etcd.stop();
});

const fill = (path: string): string => {
  const group = defaultGroupOf(project);
  return path
    .replace('/networks/:id', `/networks/${VIEW.list[0]?.id}`)
    .replace('/subnets/:id', `/subnets/${VIEW.list[0]?.subnets[0]?.id}`)
    .replace('/ports/:id', `/ports/${portIdOf(INSTANCE, 'ecompute')}`)
    .replace('/security-groups/:id', `/security-groups/${group.id}`)
    .replace('/security-group-rules/:id', `/security-group-rules/${group.rules[0]?.id}`)
    .replace(':alias', 'security-group')
    .replace(':project', project)
    .replace(':id', INSTANCE);
};

const bodyOf = (request: string): object => {
  if (request === 'POST /v2.0/security-groups') return { security_group: { name: 'web' } };
  if (request !== 'POST /v2.0/security-group-rules') return {};
  return { security_group_rule: { direction: 'ingress' } };
};

test('each route is in the table', () => {
  const routes = cloud.services.find(({ path }) => path === NETWORK_PATH)?.routes ?? [];
  expect(routes.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(Object.keys(TABLE).toSorted());
});

const expected = ({ who, request, allowed }: { who: string; request: string; allowed: string }): object => {
  const [shown = '', hidden = ''] = allowed.split('-');
  const refused = (status: number) => ({ status, error: { type: expect.stringMatching(/./), detail: '' } });
  if (hidden.includes(who)) return refused(404);
  if (!shown.includes(who)) return who === 'n' ? { status: 401 } : refused(403);
  if (request.startsWith('GET')) return { status: 200 };
  // Nothing can be changed, and it says why.
  return refused(request === 'POST /v2.0/security-group-rules' ? 404 : 501);
};

describe.each(['n', 'r', 'o', 'm', 'a'])('%s', (who) => {
  test.each(Object.entries(TABLE))('%s: %s', async (request, allowed) => {
    const [method = '', path = ''] = request.split(' ');
    const { status, body } = await cloud.askAt(NETWORK_PATH)(`${method} ${fill(path)}`, {
      token: tokens.get(who),
      ...(['POST', 'PUT'].includes(method) && { body: bodyOf(request) }),
    });
    expect({ status, error: body.NeutronError }).toMatchObject(expected({ who, request, allowed }));
  });
});

test('lists show what is the caller’s own', async () => {
  const list = async (who: string, what: string) =>
    (await cloud.askAt(NETWORK_PATH)(`GET /v2.0/${what}`, { token: tokens.get(who) })).body;
  expect((await list('m', 'ports')).ports).toMatchObject([
    { device_id: INSTANCE, fixed_ips: [{ ip_address: '10.45.0.2' }], created_at: '2026-01-01T00:00:00Z' },
  ]);
  expect((await list('m', 'ports')).ports[0]).not.toHaveProperty('binding:host_id');
  expect((await list('a', 'ports')).ports).toMatchObject([{ 'binding:host_id': 'compute-1' }]);
  expect((await list('o', 'ports')).ports).toEqual([]);
  expect((await list('o', `ports?device_id=${INSTANCE}`)).ports).toEqual([]);
  expect((await list('o', `ports?project_id=${project}`)).ports).toEqual([]);
  const groups = await list('m', 'security-groups');
  expect(groups.security_groups).toMatchObject([{ name: 'default', project_id: project }]);
  expect((await list('o', `security-groups?project_id=${project}`)).security_groups).toEqual([]);
  expect((await list('a', `security-groups?project_id=${project}`)).security_groups).toEqual(groups.security_groups);
});

test('ports are found by their addresses', async () => {
  const find = async (query: string) =>
    (await cloud.askAt(NETWORK_PATH)(`GET /v2.0/ports?${query}`, { token: tokens.get('m') })).body.ports.length;
  expect(await find('fixed_ips=ip_address%3D10.45.0.2')).toBe(1);
  expect(await find('fixed_ips=ip_address%3D10.45.0.3')).toBe(0);
  expect(await find('fixed_ips=ip_address_substr%3D10.45')).toBe(1);
  expect(await find(`fixed_ips=subnet_id%3D${VIEW.list[0]?.subnets[0]?.id}`)).toBe(1);
  expect(await find('mac_address=52:54:00:2D:00:02')).toBe(1);
  expect(await find(`network_id=${VIEW.list[0]?.id}&status=ACTIVE`)).toBe(1);
});
