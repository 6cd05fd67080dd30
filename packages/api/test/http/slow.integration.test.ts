import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { request } from 'node:http';
import { startEapi, type EapiServer } from '@etcd-compute/testing/eapi';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openImageClient } from '../image/image-client.js';

/** How long requests may take, when that is little. */
let etcd: EtcdServer;
let eapi: EapiServer;
beforeAll(async () => {
  etcd = await startEtcd();
  eapi = await startEapi({ etcd, config: { limits: { request: 2 } } });
});
afterAll(async () => {
  await eapi.stop();
  await etcd.stop();
});

/** Sends a part of a request. @returns what it is told, when its connection is closed. */
const sendPart = async (): Promise<string> => {
  const { hostname, port } = new URL(eapi.endpoint);
  const socket = connect(Number(port), hostname);
  socket.write('POST /identity/v3/auth/tokens HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"auth":');
  return text(socket);
};

test('a body that does not come is not waited for, and its connection is closed; an upload takes as long as it takes', async () => {
  const client = await openImageClient(eapi, join(eapi.dir, 'clouds.yaml'));
  const id = await client.create({});
  const content = Buffer.alloc(1024);
  content.set([0x55, 0xaa], 510);
  const sending = request(`${eapi.endpoint}/image/v2/images/${id}/file`, {
    method: 'PUT',
    headers: { 'x-auth-token': client.token, 'content-type': 'application/octet-stream', 'content-length': 1024 },
  });
  const answered = once(sending, 'response');
  sending.write(content.subarray(0, 600));
  // After the second one, the upload has taken longer than another request may.
  for (const answer of [await sendPart(), await sendPart()]) {
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer.toLowerCase()).toContain('connection: close');
  }
  sending.end(content.subarray(600));
  const [{ statusCode }] = await answered;
  expect(statusCode).toBe(204);
  expect((await client.download(id)).content.equals(content)).toBe(true);
});
