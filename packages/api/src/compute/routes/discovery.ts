import { PUBLIC, type Route } from '../../http/route.js';
import type { Compute } from '../compute.js';
import { formatVersion, MAX_MINOR, MIN_MINOR } from '../microversion.js';

/** What clients ask first. https://docs.openstack.org/api-ref/compute/#api-versions */
export const createDiscoveryRoutes = ({ url }: Compute): readonly Route[] => {
  const legacy = {
    id: 'v2.0',
    status: 'DEPRECATED',
    version: '',
    min_version: '',
    updated: '2011-01-21T11:33:21Z',
    links: [{ rel: 'self', href: `${url.replace(/\.1$/, '')}/` }],
  };
  const current = {
    id: 'v2.1',
    status: 'CURRENT',
    version: formatVersion(MAX_MINOR),
    min_version: formatVersion(MIN_MINOR),
    updated: '2013-07-23T11:33:21Z',
    links: [{ rel: 'self', href: `${url}/` }],
  };
  const details = (id: string) => ({
    'media-types': [{ base: 'application/json', type: `application/vnd.openstack.compute+json;version=${id}` }],
  });
  return [
    { method: 'GET', path: '', rule: PUBLIC, handle: () => ({ status: 200, body: { versions: [legacy, current] } }) },
    {
      method: 'GET',
      path: '/v2.1',
      rule: PUBLIC,
      handle: () => ({ status: 200, body: { version: { ...current, ...details('2.1') } } }),
    },
    {
      method: 'GET',
      path: '/v2',
      rule: PUBLIC,
      handle: () => ({ status: 200, body: { version: { ...legacy, ...details('2') } } }),
    },
  ];
};
