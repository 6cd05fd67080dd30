import { PUBLIC, type Route } from '../../http/route.js';
import type { Images } from '../images.js';

/** Up to the version that has all of what is here. */
const VERSIONS = ['2.9', '2.7', '2.6', '2.5', '2.4', '2.3', '2.2', '2.1', '2.0'];

/** What clients ask first. https://docs.openstack.org/api-ref/image/versions/ */
export const createDiscoveryRoutes = ({ url }: Images): readonly Route[] => {
  const body = {
    versions: VERSIONS.map((version, index) => ({
      id: `v${version}`,
      status: index === 0 ? 'CURRENT' : 'SUPPORTED',
      links: [{ rel: 'self', href: `${url}/v2/` }],
    })),
  };
  return [
    { method: 'GET', path: '', rule: PUBLIC, handle: () => ({ status: 300, body }) },
    { method: 'GET', path: '/versions', rule: PUBLIC, handle: () => ({ status: 200, body }) },
    // Who is told the address of version 2 finds the others from there.
    { method: 'GET', path: '/v2', rule: PUBLIC, handle: () => ({ status: 300, body }) },
  ];
};
