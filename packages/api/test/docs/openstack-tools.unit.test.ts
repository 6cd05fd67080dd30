import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createComputeService } from '@etcd-compute/api/compute/compute-service';
import { createIdentityService } from '@etcd-compute/api/identity/identity-service';
import { createImageService } from '@etcd-compute/api/image/image-service';
import { createNetworkService } from '@etcd-compute/api/network/network-service';
import { expect, test } from 'vitest';
import { renderRoutes } from './render-routes.js';

const PAGE = join(import.meta.dirname, '../../../../docs/openstack-tools.md');
const BEGIN = '<!-- Made from the routes: npx vitest run packages/api/test/docs -u -->';

/** Has every member, and each is the same: routes are only looked at here. */
// eslint-disable-next-line typescript/no-unsafe-type-assertion -- see above
const anything: never = new Proxy(() => undefined, {
  get: (_, name) => (name === Symbol.toPrimitive ? () => '' : anything),
  apply: () => anything,
}) as never;

test('the page has every route that there is', async () => {
  const services = [createIdentityService, createComputeService, createImageService, createNetworkService];
  const [before = ''] = (await readFile(PAGE, 'utf8')).split(BEGIN);
  await expect(
    `${before}${BEGIN}\n\n${renderRoutes(services.map((create) => create(anything)))}\n`,
  ).toMatchFileSnapshot(PAGE);
});
