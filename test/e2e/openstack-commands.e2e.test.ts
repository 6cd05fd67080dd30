import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startOpenstackCloud, type OpenstackCloud } from './openstack-cloud.js';
import { COMPUTE, IDENTITY, IMAGES, type Row } from './openstack-commands.js';

/** What people type most, by OpenStack's own command line, as its users have it. libvirt's test driver has no guest in it. */
let cloud: OpenstackCloud;
beforeAll(async () => {
  cloud = await startOpenstackCloud();
});
afterAll(async () => cloud[Symbol.asyncDispose]());

/** Of arrays, each member somewhere; of texts, what they match. */
const partOf = (value: unknown): unknown => {
  if (value instanceof RegExp) return expect.stringMatching(value);
  if (Array.isArray(value)) return expect.arrayContaining(value.map(partOf));
  if (typeof value !== 'object' || value === null) return value;
  return expect.objectContaining(Object.fromEntries(Object.entries(value).map(([name, part]) => [name, partOf(part)])));
};

const tryRow = async ([command, says, status]: Row): Promise<void> => {
  if (says instanceof RegExp) expect(await cloud.type(command)).toMatch(says);
  else if (typeof says === 'object') expect(await cloud.ask(command)).toEqual(partOf(says));
  else if (says === '[]') expect(await cloud.ask(command)).toEqual([]);
  else if (says === '') expect(await cloud.type(command)).toBe('');
  else expect(await cloud.type(command)).toContain(says);
  if (status === undefined) return;
  await waitFor(async () => (await cloud.ask('server show web')).status === status, { what: `web to be ${status}` });
};

describe.each([
  ['identity', IDENTITY],
  ['images', IMAGES],
  ['compute', COMPUTE],
])('%s', (_name, rows) => {
  test.each(rows.map((row) => ({ command: row[0], row })))('$command', async ({ row }) => tryRow(row));
});

test('an application credential logs in', async () => {
  const { id, secret } = await cloud.ask('application credential create --role reader robot');
  const access = `--os-auth-type v3applicationcredential --os-auth-url ${cloud.eapi.authUrl}`;
  const credential = `--os-application-credential-id ${id} --os-application-credential-secret ${secret}`;
  const said = await cloud.sh(`OS_CLOUD= openstack ${access} ${credential} token issue -f json`);
  expect(JSON.parse(said)).toHaveProperty('project_id');
});
