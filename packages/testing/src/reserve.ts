import { createServer } from 'node:net';

/**
 * Reserves a name on this machine until this process ends, no matter how it ends. It is a socket in Linux's abstract namespace, so like a
 * port it belongs to one network namespace.
 *
 * @returns false when another call holds the name.
 */
export async function reserve(name: string): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ path: `\0etcd-compute-${name}` }, () => {
      server.unref();
      resolve(true);
    });
  });
}

/** A network of this machine's own that no other test has: the first three numbers of its addresses, and what names of its wires begin with. */
export async function takeNetwork(): Promise<{ net: string; wire: string }> {
  for (let number = 0; number < 256; number += 1)
    if (await reserve(`network-${number}`)) return { net: `10.213.${number}`, wire: `test${number}` };
  throw new Error('could not find a free network in 10.213.0.0/16: 256 tests have one');
}
