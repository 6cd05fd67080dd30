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

/** Of texts, what they match; of arrays, each member somewhere, and of one without members that it has none. */
const expectedOf = (says: unknown): unknown => {
  if (says instanceof RegExp) return expect.stringMatching(says);
  if (Array.isArray(says)) return says.length === 0 ? [] : expect.arrayContaining(says.map(expectedOf));
  if (typeof says !== 'object' || says === null) return says;
  return expect.objectContaining(
    Object.fromEntries(Object.entries(says).map(([name, part]) => [name, expectedOf(part)])),
  );
};

/** Of a text that is not empty, it is enough to have it. */
const wholeOf = (says: Row[1]): unknown =>
  typeof says === 'string' && says !== '' ? expect.stringContaining(says) : expectedOf(says);

const isText = (says: Row[1]): says is string | RegExp => typeof says === 'string' || says instanceof RegExp;

const statusOf = async (server: string): Promise<string> => (await cloud.ask(`server show ${server}`)).status;

describe.each([
  ['identity', IDENTITY],
  ['images', IMAGES],
  ['compute', COMPUTE],
])('%s', (_name, rows) => {
  test.each(rows.map((row) => ({ command: row[0], row })))('$command', async ({ command, row: [, says, status] }) => {
    const said: unknown = isText(says) ? await cloud.type(command) : await cloud.ask(command);
    expect(said).toEqual(wholeOf(says));
    if (status !== undefined)
      await waitFor(async () => (await statusOf('web')) === status, { what: `web to be ${status}` });
  });
});

test('an application credential logs in', async () => {
  const { id, secret } = await cloud.ask('application credential create --role reader robot');
  const access = `--os-auth-type v3applicationcredential --os-auth-url ${cloud.eapi.authUrl}`;
  const credential = `--os-application-credential-id ${id} --os-application-credential-secret ${secret}`;
  const said = await cloud.sh(`OS_CLOUD= openstack ${access} ${credential} token issue -f json`);
  expect(JSON.parse(said)).toHaveProperty('project_id');
});
