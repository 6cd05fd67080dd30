import { PUBLIC, type Route } from '../../http/route.js';
import type { Identity } from '../identity.js';

/** What clients ask first. https://docs.openstack.org/api-ref/identity/v3/#api-versions */
export const createDiscoveryRoutes = ({ url }: Identity): readonly Route[] => [
  { method: 'GET', path: '', rule: PUBLIC, handle: () => ({ status: 300, body: renderVersions(url) }) },
  { method: 'GET', path: '/v3', rule: PUBLIC, handle: () => ({ status: 200, body: { version: renderVersion(url) } }) },
];

/** All there are. */
export const renderVersions = (url: string): object => ({ versions: { values: [renderVersion(url)] } });

const renderVersion = (url: string): object => ({
  id: 'v3.14',
  status: 'stable',
  updated: '2020-04-07T00:00:00Z',
  links: [{ rel: 'self', href: `${url}/` }],
  'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
});
