import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getFreePort } from './free-port.js';
import { extendService, startService, type Service } from './service.js';

/**
 * A server of S3: Debian's Swift (python3-swift), which clouds serve S3 with. It checks signatures and regions, knows ranges and uploads in
 * parts, and, unlike AWS, takes a thousand parts at the most and none of the newer checksums.
 */
export interface S3Server extends Service {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

const HOST = '127.0.0.1';
const ACCESS_KEY = 'cloud:images';
const SECRET_KEY = 'not-a-secret';
const program = new URL('../swift/serve.py', import.meta.url).pathname;

/** On 127.0.0.1, with nothing in it. `restart()` keeps port and data. */
export async function startS3(): Promise<S3Server> {
  const dir = await mkdtemp(join(tmpdir(), 's3-'));
  const data = join(dir, 'data');
  await mkdir(data);
  const port = await getFreePort();
  const endpoint = `http://${HOST}:${port}`;
  const service = await startService(
    {
      name: 'Swift',
      // Where Debian's packages are, whatever other Pythons there are.
      command: '/usr/bin/python3',
      args: [program, data, port.toString(), ACCESS_KEY, SECRET_KEY],
      logPath: join(dir, 'swift.log'),
      readyTimeoutMs: 60_000,
    },
    async () => (await fetch(`${endpoint}/healthcheck`, { signal: AbortSignal.timeout(5000) })).ok,
  );
  return extendService(service, { endpoint, accessKey: ACCESS_KEY, secretKey: SECRET_KEY }, async () =>
    rm(dir, { recursive: true, force: true }),
  );
}
