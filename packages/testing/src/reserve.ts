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
