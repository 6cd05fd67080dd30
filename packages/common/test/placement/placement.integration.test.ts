import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createPlacementCapacity } from '@etcd-compute/common/capacity/placement-capacity';
import { placementSection } from '@etcd-compute/common/config/sections';
import { EcomputeError } from '@etcd-compute/common/errors';
import { newInstanceUuid } from '@etcd-compute/common/ids';
import { openPlacement, type PlacementClient } from '@etcd-compute/common/placement/client';
import { ensureTrait, listResourceProviders } from '@etcd-compute/common/placement/resource-providers';
import { describe, expect, test } from 'vitest';

/** The Placement client on servers that answer as old, broken and wrong ones do. */
type Answer = (request: IncomingMessage, response: ServerResponse) => void;

interface FakeServer extends AsyncDisposable {
  readonly client: PlacementClient;
  readonly endpoint: string;
  /** The microversions that were asked for. */
  readonly versions: string[];
}

/** An HTTP server that answers everything in one way, and a client of ours on it. */
const startFake = async (
  answer: Answer,
  { path = '', timeoutSeconds = 30 }: { path?: string; timeoutSeconds?: number } = {},
): Promise<FakeServer> => {
  const versions: string[] = [];
  const http = createServer((request, response) => {
    versions.push(String(request.headers['openstack-api-version']).replace('placement ', ''));
    answer(request, response);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const address = http.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const endpoint = `http://127.0.0.1:${port}${path}`;
  const client = await openPlacement(
    placementSection.parse({ endpoint, timeout: timeoutSeconds, token: 'secret-token' }),
  );
  return {
    client,
    endpoint,
    versions,
    [Symbol.asyncDispose]: async () => {
      client.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
};

const json =
  (status: number, body: unknown): Answer =>
  (_request, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

const NO_PROVIDERS = { resource_providers: [] };

/** Fails `times` times, then answers. */
const failing = (times: number, fail: Answer): Answer => {
  let count = 0;
  return (request, response) => {
    count += 1;
    (count > times ? json(200, NO_PROVIDERS) : fail)(request, response);
  };
};

/** A Placement that knows microversions up to `max`. */
const oldPlacement =
  (max: number): Answer =>
  (request, response) => {
    const asked = Number(String(request.headers['openstack-api-version']).replace('placement 1.', ''));
    if (asked <= max) json(200, NO_PROVIDERS)(request, response);
    else json(406, { errors: [{ status: 406, max_version: `1.${max}`, min_version: '1.0' }] })(request, response);
  };

describe('what passes', () => {
  test.each<[string, Answer]>([
    ['an answer of 503', json(503, {})],
    ['a connection that breaks', (request) => void request.socket.resetAndDestroy()],
  ])('%s: a read is asked again, a write is not', async (_what, fail) => {
    await using reads = await startFake(failing(2, fail));
    await listResourceProviders(reads.client);
    expect(reads.versions).toHaveLength(3);
    await using writes = await startFake(failing(1, fail));
    await expect(ensureTrait(writes.client, 'CUSTOM_X')).rejects.toMatchObject({
      code: expect.stringMatching(/^ECOMPUTE_PLACEMENT_/),
    });
    expect(writes.versions).toHaveLength(1);
  });
});

describe('microversions', () => {
  test('an older Placement is spoken to in its newest, asked once', async () => {
    await using fake = await startFake(oldPlacement(30));
    await listResourceProviders(fake.client);
    await listResourceProviders(fake.client);
    expect(fake.versions).toEqual(['1.39', '1.30', '1.30']);
    expect(fake.client.microversion()).toBe(30);
  });

  test('one without consumer generations is too old, and says what it would need', async () => {
    await using fake = await startFake(oldPlacement(20));
    await expect(listResourceProviders(fake.client)).rejects.toMatchObject({
      code: 'ECOMPUTE_PLACEMENT_TOO_OLD',
      message: `Placement at ${fake.endpoint} knows only microversions up to 1.20`,
      hint: 'ours needs 1.28 or newer (OpenStack Rocky)',
      retryable: false,
    });
  });

  test('a consumer type is sent from 1.38 on, and not before, when Placement would refuse it', async () => {
    for (const [max, expected] of [
      [37, { consumer_generation: null }],
      [38, { consumer_generation: null, consumer_type: 'INSTANCE' }],
    ] as const) {
      const bodies: unknown[] = [];
      await using fake = await startFake((request, response) => {
        if (request.method === 'GET') return oldPlacement(max)(request, response);
        let text = '';
        request.on('data', (chunk) => (text += String(chunk)));
        request.on('end', () => {
          bodies.push(JSON.parse(text));
          response.writeHead(204).end();
        });
      });
      await listResourceProviders(fake.client);
      const allocation = { instance: newInstanceUuid(), allocations: {}, userId: 'u', projectId: 'p' };
      expect(await createPlacementCapacity(fake.client).allocate([allocation])).toMatchObject({ outcome: 'allocated' });
      expect(bodies).toEqual([{ allocations: {}, user_id: 'u', project_id: 'p', ...expected }]);
    }
  });
});

describe('a server that does not do as Placement does', () => {
  test.each([
    [401, json(401, { errors: [{ detail: 'bad token' }] }), 'ECOMPUTE_PLACEMENT_UNAUTHORIZED', 'placement.token'],
    [403, json(403, {}), 'ECOMPUTE_PLACEMENT_UNAUTHORIZED', 'placement.token'],
    [404, json(404, {}), 'ECOMPUTE_PLACEMENT_NOT_FOUND', 'placement.endpoint'],
    [409, json(409, { errors: [{ detail: 'x' }] }), 'ECOMPUTE_PLACEMENT_CONFLICT', 'undefined'],
    [
      400,
      json(400, { errors: [{ detail: 'The server …\n\n bad resource' }] }),
      'ECOMPUTE_PLACEMENT_REFUSED',
      undefined,
    ],
    [500, json(500, {}), 'ECOMPUTE_PLACEMENT_FAILED', 'the log of the Placement service'],
    [503, json(503, {}), 'ECOMPUTE_PLACEMENT_FAILED', 'the log of the Placement service'],
    [302, json(302, {}), 'ECOMPUTE_PLACEMENT_REFUSED', 'undefined'],
  ] as const)('%i becomes its own error', async (...[status, answer, code, hint]) => {
    await using fake = await startFake(answer);
    const error: unknown = await listResourceProviders(fake.client).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, details: { status, method: 'GET', path: '/resource_providers' } });
    expect(error).toMatchObject({
      message: expect.stringContaining(`could not list resource providers: Placement at ${fake.endpoint} answered`),
    });
    expect(error instanceof EcomputeError ? String(error.hint) : '').toContain(hint);
    expect(JSON.stringify(error)).not.toContain('secret-token');
  });

  test.each([
    ['a web page', (_request, response) => void response.writeHead(200).end('<html><h1>It works!</h1></html>')],
    ['JSON of another service', json(200, { users: [] })],
    ['an empty body', (_request, response) => void response.writeHead(200).end()],
    ['half a body', (_request, response) => void response.writeHead(200).end('{"resource_providers": [')],
  ] satisfies [string, Answer][])('%s is a bad reply', async (_what, answer) => {
    await using fake = await startFake(answer);
    await expect(listResourceProviders(fake.client)).rejects.toMatchObject({
      code: 'ECOMPUTE_PLACEMENT_BAD_REPLY',
      message: expect.stringContaining(`what answers at ${fake.endpoint} does not speak Placement`),
      hint: 'check placement.endpoint in the config, with its path',
    });
  });

  test.each([
    ['never answers', () => undefined],
    ['stops in the middle of a body', (_request, response) => void response.writeHead(200).write('{"resource')],
    ['hangs up', (request) => void request.socket.destroy()],
    [
      'hangs up in the middle of a body',
      (_request, response) => {
        response.writeHead(200, { 'content-length': 100 }).write('{"resource');
        setImmediate(() => response.socket?.resetAndDestroy());
      },
    ],
  ] satisfies [string, Answer][])('one that %s is unreachable, within the timeout', async (_what, answer) => {
    await using fake = await startFake(answer, { timeoutSeconds: 0.5 });
    await expect(listResourceProviders(fake.client)).rejects.toMatchObject({
      code: 'ECOMPUTE_PLACEMENT_UNREACHABLE',
      retryable: true,
      hint: expect.stringContaining(`curl ${fake.endpoint}`),
    });
  });

  test('nobody there is unreachable, and named', async () => {
    const nobody = await openPlacement(placementSection.parse({ endpoint: 'http://127.0.0.1:1' }));
    await expect(listResourceProviders(nobody)).rejects.toMatchObject({
      code: 'ECOMPUTE_PLACEMENT_UNREACHABLE',
      message: 'could not list resource providers: Placement at http://127.0.0.1:1 did not answer',
    });
    nobody.close();
  });

  test('a path in the endpoint stands before every path', async () => {
    const paths: (string | undefined)[] = [];
    await using fake = await startFake(
      (request, response) => {
        paths.push(request.url);
        json(200, NO_PROVIDERS)(request, response);
      },
      { path: '/placement/' },
    );
    await listResourceProviders(fake.client);
    expect(paths).toEqual(['/placement/resource_providers']);
  });
});
