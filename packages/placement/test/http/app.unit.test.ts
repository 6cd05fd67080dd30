import { createApp } from '@etcd-compute/placement/http/app';
import { trustHeaders } from '@etcd-compute/placement/http/caller';
import { createPolicy, POLICY_DEFAULTS } from '@etcd-compute/placement/http/policy/policy';
import type { Route } from '@etcd-compute/placement/http/route';
import { Refusal } from '@etcd-compute/placement/engine/refusal';
import { rootRoutes } from '@etcd-compute/placement/http/routes/root';
import { createMemoryStore } from '@etcd-compute/placement/store/memory-store';
import { EcomputeError } from '@etcd-compute/common/errors';
import { expect, test } from 'vitest';

const route = (fields: Partial<Route>): Route => ({
  method: 'GET',
  path: '/things/:name',
  rule: 'placement:traits:list',
  handle: async ({ params, linkTo }) => ({ status: 200, body: params, location: linkTo('/here') }),
  ...fields,
});

const serve = (routes: readonly Route[], prefix = '') => {
  const faults: unknown[] = [];
  const app = createApp({
    routes,
    store: createMemoryStore(),
    config: { authenticate: trustHeaders, policy: createPolicy(POLICY_DEFAULTS), prefix },
    onFault: (error) => faults.push(error),
  });
  const get = async (url: string, headers: Record<string, string> = {}) =>
    app.inject({ url, headers: { 'x-auth-token': 'admin', ...headers } });
  return { app, get, faults };
};

const failing = (error: Error): readonly Route[] => [
  route({
    handle: async () => {
      throw error;
    },
  }),
];

test('an API below a prefix links below it, and tells its versions there with and without a slash', async () => {
  const { app, get } = serve([route({}), ...rootRoutes], '/placement');
  const reply = await get('/placement/things/one');
  expect(reply.json()).toEqual({ name: 'one' });
  expect(reply.headers.location).toBe('http://localhost:80/placement/here');
  expect((await get('/things/one')).statusCode).toBe(404);
  for (const url of ['/placement', '/placement/', '/placement?a=b'])
    expect((await app.inject({ url })).json().versions).toHaveLength(1);
});

test('a refusal has its status, its words, and from 1.23 on its code', async () => {
  const { get, faults } = serve(failing(new Refusal('conflict', 'taken', 'placement.duplicate_name')));
  const old = await get('/things/one', { 'openstack-api-version': 'placement 1.22' });
  expect(old.statusCode).toBe(409);
  expect(old.json().errors[0]).toMatchObject({ status: 409, title: 'Conflict' });
  expect(old.json().errors[0].detail).toContain('taken');
  expect(old.json().errors[0]).not.toHaveProperty('code');
  const young = await get('/things/one', { 'openstack-api-version': 'placement 1.23' });
  expect(young.json().errors[0].code).toBe('placement.duplicate_name');
  expect(young.json().errors[0].request_id).toBe(young.headers['x-openstack-request-id']);
  expect(faults).toEqual([]);
});

test('what may go well later is 503, what is our fault 500; both are told to whoever runs the server', async () => {
  const gone = new EcomputeError('ECOMPUTE_ETCD_UNREACHABLE', 'could not reach etcd', { retryable: true });
  const unreachable = serve(failing(gone));
  expect((await unreachable.get('/things/one')).statusCode).toBe(503);
  expect(unreachable.faults).toEqual([gone]);
  const broken = serve(failing(new TypeError('x is not a function')));
  expect((await broken.get('/things/one')).statusCode).toBe(500);
});

test('a path that is newer than the version is not there; a method that is newer is not allowed', async () => {
  const { app, get } = serve([route({ since: 3 }), route({ method: 'DELETE', since: 5 })]);
  expect((await get('/things/one')).statusCode).toBe(404);
  const headers = { 'x-auth-token': 'admin', 'openstack-api-version': 'placement 1.4' };
  const reply = await app.inject({ method: 'DELETE', url: '/things/one', headers });
  expect(reply.statusCode).toBe(405);
  expect(reply.headers['allow']).toBe('GET, DELETE');
});

test('a path that cannot be decoded leads nowhere', async () => {
  const { get } = serve([route({})]);
  const reply = await get('/things/%e2%98');
  expect(reply.statusCode).toBe(404);
  expect(reply.json().errors[0].title).toBe('Not Found');
});

test('without a token even what there is not is not told', async () => {
  const { app } = serve([route({})]);
  expect((await app.inject({ url: '/things/one' })).statusCode).toBe(401);
  expect((await app.inject({ url: '/nothing' })).statusCode).toBe(401);
});
