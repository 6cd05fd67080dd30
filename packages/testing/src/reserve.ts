import { createServer } from 'node:net';

/**
 * Takes a name that only one process of this machine can have at a time, for as long as this process lives, however it ends: a socket in
 * Linux's abstract namespace. Like a port, a name counts in its network namespace only.
 *
 * @returns false when it is taken.
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
