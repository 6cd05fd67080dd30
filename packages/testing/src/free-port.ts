import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { reserve } from './reserve.js';

// Below Linux's ephemeral range (32768 to 60999): a port from there can be taken by any outgoing connection in the moment
// in which a server is down between stop() and restart(), and then the server never comes back.
const FIRST_PORT = 18_000;
const LAST_PORT = 32_000;

/**
 * A TCP port of 127.0.0.1 that nothing listens on. It is reserved: no other call returns it while this process lives, so a server can be
 * started on it later, and restarted.
 */
export async function getFreePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if ((await reserve(`port-${port}`)) && (await isPortFree(port))) return port;
  }
  throw new Error(`could not find a free port between ${FIRST_PORT} and ${LAST_PORT} on 127.0.0.1 in 200 attempts`);
}

/** Whether a listening socket can be opened on 127.0.0.1 at `port` now. */
export async function isPortFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
