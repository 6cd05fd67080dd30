import type { WorldHost, World } from '@etcd-compute/chaos/world';
import { expect, test } from 'vitest';
import {
  busyHost,
  domain,
  EMPTY,
  FAULT,
  filterOf,
  foreignDomainOf,
  hostA,
  hostB,
  IMAGE,
  quietHost,
  request,
  rulesBroken,
  STOPPED,
  WISHED,
  withHostA,
  withRecord,
} from './healthy-world.js';

const OTHER = `sha256:${'2'.repeat(64)}`;
const asking = (checksum: string): Partial<World> => ({ requests: [{ ...request, checksum }] });
const CHECKSUM_WRONG = { ...FAULT, code: 'ECOMPUTE_IMAGE_CHECKSUM_WRONG' };
const withFilter = (...[set, elements]: [string, string[]]): Partial<World> =>
  withHostA({ filter: new Map([...(busyHost.filter ?? []), [set, new Set(elements)]]) });
const offHost: WorldHost = { ...busyHost, domains: [foreignDomainOf(hostA), { ...domain, state: 'shut-off' }] };
const OFF: Partial<World> = {
  ...withRecord({ state: 'stopped', wish_count: 1, outcomes: [STOPPED] }),
  requests: [{ ...request, wishes: [{ kind: 'stop', count: 1, args: {} }] }],
  booted: new Map(),
};

test.each<[string, Partial<World>]>([
  ['an image that has the checksum that was asked for', asking(`sha256:${IMAGE}`)],
  [
    'an image that was refused for its checksum',
    { ...EMPTY, ...WISHED, ...asking(OTHER), ...withRecord({ state: 'error', fault: CHECKSUM_WRONG }) },
  ],
  ['a guest that is off and still in the packet filter', { ...OFF, hosts: [offHost, quietHost(hostB)] }],
  [
    'a guest that is off and not in the packet filter',
    { ...OFF, hosts: [{ ...offHost, filter: new Map() }, quietHost(hostB)] },
  ],
])('%s breaks no rule', (_, changes) => {
  expect(rulesBroken(changes)).toEqual([]);
});

test.each<[string, string[], Partial<World>]>([
  ['a disk on an image that is gone', ['image missing'], withHostA({ images: { contents: [], useless: [] } })],
  ['half an image', ['image file left'], withHostA({ images: { contents: [IMAGE], useless: ['urls/x.json.new'] } })],
  ['an image of another checksum', ['wrong image'], asking(OTHER)],
  [
    'an image refused for a checksum that nobody gave',
    ['wrong fault'],
    { ...EMPTY, ...WISHED, ...withRecord({ state: 'error', fault: CHECKSUM_WRONG }) },
  ],
  ['a guest that the packet filter does not know', ['filter element missing'], withHostA({ filter: new Map() })],
  [
    'a guest with another address in the packet filter',
    ['filter element left', 'filter element missing'],
    withHostA({ filter: filterOf('ec0 . 52:54:00:2e:00:05 . 10.46.0.6') }),
  ],
  ['a guest that cannot ask for its address', ['filter element missing'], withFilter('dhcp-clients', [])],
  ['an element of nobody', ['filter element left'], withFilter('link-locals', ['ec0 . x', 'ec1 . x'])],
  ['a port of another network of nobody', ['filter element left'], withFilter('other-ports', ['ec1'])],
])('%s is found', (_, rules, changes) => {
  expect(rulesBroken(changes)).toEqual(rules);
});
