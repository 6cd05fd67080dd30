// keep-alive.mjs URL COUNT: sends COUNT requests to Placement over one kept-alive connection and fails when one of them
// fails or a second connection is opened. The answers differ in kind (200, 404, 204 without a body, 409), because
// servers that get keep-alive wrong do so after some of them only.
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';

const [, , origin, count] = process.argv;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const sockets = new Set();

function send(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = {
      'x-auth-token': 'admin',
      'openstack-api-version': 'placement 1.39',
      'content-type': 'application/json',
    };
    const outgoing = request(new URL(path, origin), { method, agent, headers, timeout: 30_000 }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode));
    });
    outgoing.on('socket', (socket) => sockets.add(socket));
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in 30 s')));
    outgoing.on('error', (error) => reject(new Error(`${method} ${path} failed`, { cause: error })));
    outgoing.end(body && JSON.stringify(body));
  });
}

async function expect(status, ...call) {
  const answered = await send(...call);
  if (answered !== status) throw new Error(`${call[0]} ${call[1]} answered ${answered}, not ${status}`);
}

for (let sent = 0; sent < Number(count); sent += 5) {
  const uuid = randomUUID();
  await expect(200, 'POST', '/resource_providers', { uuid, name: uuid });
  await expect(409, 'POST', '/resource_providers', { uuid, name: uuid });
  await expect(200, 'GET', `/resource_providers/${uuid}/usages`);
  await expect(204, 'DELETE', `/resource_providers/${uuid}`);
  await expect(404, 'GET', `/resource_providers/${uuid}`);
}
agent.destroy();
if (sockets.size !== 1) throw new Error(`${count} requests took ${sockets.size} connections, not 1`);
