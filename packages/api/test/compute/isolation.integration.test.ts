import { testIsolation } from '../isolation.js';

const VERSIONED: Readonly<Record<string, string>> = {
  'GET /flavors': 'amro',
  'GET /flavors/detail': 'amro',
  'POST /flavors': 'a',
  'GET /flavors/:id': 'amro',
  'PUT /flavors/:id': 'a',
  'DELETE /flavors/:id': 'a',
  'GET /flavors/:id/os-flavor-access': 'a',
  'POST /flavors/:id/action': 'a',
  'GET /flavors/:id/os-extra_specs': 'amro',
  'POST /flavors/:id/os-extra_specs': 'a',
  'GET /flavors/:id/os-extra_specs/:key': 'amro',
  'PUT /flavors/:id/os-extra_specs/:key': 'a',
  'DELETE /flavors/:id/os-extra_specs/:key': 'a',
  // Everybody's are his own.
  'GET /os-keypairs': 'amro',
  'POST /os-keypairs': 'amro',
  'GET /os-keypairs/:name': 'amro',
  'DELETE /os-keypairs/:name': 'amro',
  'GET /os-quota-sets/:project': 'amr',
  'GET /os-quota-sets/:project/defaults': 'amr',
  'GET /os-quota-sets/:project/detail': 'amr',
  'PUT /os-quota-sets/:project': 'a',
  'DELETE /os-quota-sets/:project': 'a',
  'GET /os-quota-class-sets/:class': 'a',
  'PUT /os-quota-class-sets/:class': 'a',
  'GET /limits': 'amro',
  'GET /os-simple-tenant-usage': 'a',
  'GET /os-simple-tenant-usage/:project': 'amr',
  'GET /os-server-groups': 'amro',
  'POST /os-server-groups': 'amo',
  'GET /os-server-groups/:id': 'amr',
  'DELETE /os-server-groups/:id': 'am',
  'GET /os-aggregates': 'a',
  'POST /os-aggregates': 'a',
  'GET /os-aggregates/:id': 'a',
  'PUT /os-aggregates/:id': 'a',
  'DELETE /os-aggregates/:id': 'a',
  'POST /os-aggregates/:id/action': 'a',
  'GET /os-availability-zone': 'amro',
  'GET /os-availability-zone/detail': 'a',
  'GET /os-hypervisors': 'a',
  'GET /os-hypervisors/detail': 'a',
  'GET /os-hypervisors/statistics': 'a',
  'GET /os-hypervisors/:id': 'a',
  'GET /os-hypervisors/:id/uptime': 'a',
  'GET /os-hypervisors/:id/search': 'a',
  'GET /os-hypervisors/:id/servers': 'a',
  'GET /os-services': 'a',
  'PUT /os-services/:id': 'a',
  'GET /extensions': 'amro',
  'GET /extensions/:alias': 'amro',
  // Of another project, an image is not found.
  'GET /images': 'amro',
  'GET /images/detail': 'amro',
  'GET /images/:id': 'amro',
  'DELETE /images/:id': 'amo',
  'GET /images/:id/metadata': 'amro',
  'GET /images/:id/metadata/:key': 'amro',
};

/** Of another project, a server is not found; which is for the tests of servers. */
const SERVERS: Readonly<Record<string, string>> = {
  'GET /servers': 'amro',
  'GET /servers/detail': 'amro',
  'POST /servers': 'amo',
  'GET /servers/:id': 'amro',
  'PUT /servers/:id': 'amo',
  'DELETE /servers/:id': 'amo',
  'POST /servers/:id/action': 'amo',
  'GET /servers/:id/metadata': 'amro',
  'POST /servers/:id/metadata': 'amo',
  'PUT /servers/:id/metadata': 'amo',
  'GET /servers/:id/metadata/:key': 'amro',
  'PUT /servers/:id/metadata/:key': 'amo',
  'DELETE /servers/:id/metadata/:key': 'amo',
  'GET /servers/:id/tags': 'amro',
  'PUT /servers/:id/tags': 'amo',
  'DELETE /servers/:id/tags': 'amo',
  'GET /servers/:id/tags/:tag': 'amro',
  'PUT /servers/:id/tags/:tag': 'amo',
  'DELETE /servers/:id/tags/:tag': 'amo',
  'GET /servers/:id/os-instance-actions': 'amro',
  'GET /servers/:id/os-instance-actions/:request': 'amro',
  'GET /servers/:id/ips': 'amro',
  'GET /servers/:id/ips/:network': 'amro',
  'GET /servers/:id/os-interface': 'amro',
  'GET /servers/:id/os-interface/:port': 'amro',
  'POST /servers/:id/os-interface': 'amo',
  'DELETE /servers/:id/os-interface/:port': 'amo',
  'GET /servers/:id/os-security-groups': 'amro',
  'GET /servers/:id/os-volume_attachments': 'amro',
  'POST /servers/:id/os-volume_attachments': 'amo',
  'GET /servers/:id/os-server-password': 'amro',
  'GET /servers/:id/diagnostics': 'a',
  'POST /servers/:id/remote-consoles': 'amo',
};

const TABLE: Readonly<Record<string, string>> = {
  'GET ': 'amrone',
  'GET /v2.1': 'amrone',
  'GET /v2': 'amrone',
  ...Object.fromEntries(
    Object.entries({ ...VERSIONED, ...SERVERS }).map(([request, allowed]) => [request.replace(' ', ' /v2.1'), allowed]),
  ),
};

testIsolation({
  path: '/compute',
  table: TABLE,
  // The same as in /v2.1.
  isAsked: (path) => !path.startsWith('/v2/'),
  prepare: async (cloud, { member, places: { project } }) => {
    const body = { server_group: { name: 'web', policies: ['affinity'] } };
    const made = await cloud.askAt('/compute/v2.1')('POST /os-server-groups', { token: member, body });
    const image = { name: 'ours', disk_format: 'raw', container_format: 'bare' };
    const { body: ours } = await cloud.askAt('/image')('POST /v2/images', { token: member, body: image });
    return (path) =>
      path
        .replace('/images/:id', `/images/${ours.id}`)
        .replace('/flavors/:id', '/flavors/none')
        .replace('/os-server-groups/:id', `/os-server-groups/${made.body.server_group.id}`)
        .replace('/os-aggregates/:id', '/os-aggregates/1')
        .replace(':key', 'none')
        .replace(':alias', 'os-keypairs')
        .replace(':name', 'none')
        .replace(':project', project)
        .replace(':class', 'default');
  },
});
