import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { silentLogger } from '@etcd-compute/common/log';
import { openStore } from '@etcd-compute/common/etcd/store';
import { etcdSection } from '@etcd-compute/common/config/sections';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { openHostNetworks } from '@etcd-compute/api/network/state/host-networks';
import { createApp, type App } from '@etcd-compute/api/http/app';
import { createAuthenticate, type Identity } from '@etcd-compute/api/identity/identity';
import { createIdentityService } from '@etcd-compute/api/identity/identity-service';
import { createComputeService } from '@etcd-compute/api/compute/compute-service';
import { createImageService } from '@etcd-compute/api/image/image-service';
import { openImages } from '@etcd-compute/api/server/open-images';
import type { Compute } from '@etcd-compute/api/compute/compute';
import { createCompute, openComputeStateOf } from '@etcd-compute/api/server/open-compute';
import { hashSecret } from '@etcd-compute/api/identity/passwords/hash';
import { planBootstrap } from '@etcd-compute/api/bootstrap/plan-bootstrap';
import { apiConfigSchema } from '@etcd-compute/api/server/config';
import { openServers, type ServersOptions } from '@etcd-compute/api/server/open-servers';
import { createNetworkService } from '@etcd-compute/api/network/network-service';
import type { Network } from '@etcd-compute/api/network/network';
import { createNetwork } from '@etcd-compute/api/server/create-network';
import { createIdentity, openStateOf } from '@etcd-compute/api/server/open-identity';
import type { Service } from '@etcd-compute/api/http/service';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';

interface Asked {
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly subject?: string;
  /** Of compute's API, such as 2.2. */
  readonly version?: string;
}

export interface Answer {
  readonly status: number;
  /** Whatever it is: tests say what they look for. */
  readonly body: any; // eslint-disable-line typescript/no-explicit-any -- see above
  readonly header: (name: string) => string | undefined;
}

type Ask = (request: string, asked?: Asked) => Promise<Answer>;

/** A server without a port, on an etcd of its own or on one that it shares by the prefix. */
export interface Cloud extends AsyncDisposable {
  readonly app: App;
  readonly services: readonly [Service, ...Service[]];
  readonly identity: Identity;
  readonly compute: Compute;
  /** Asks identity. */
  readonly ask: Ask;
  /** Asks another service, by its path. */
  readonly askAt: (path: string) => Ask;
  /** @returns a token of a user whose password is `secret`, for a project of that name. */
  readonly logIn: (user: string, project?: string) => Promise<string>;
}

export const PASSWORD = 'secret';

interface CloudOptions {
  /** What hosts compute finds, instead of those that there are. */
  readonly hosts?: Compute['hosts'];
  readonly imageOf?: ServersOptions['imageOf'];
  /** Sections of its config beside etcd and images. */
  readonly config?: object;
  /** What networks and ports there are, instead of those that agents have made. */
  readonly network?: Pick<Network, 'hosts' | 'instances'>;
}

export const openCloud = async (
  etcd: { readonly host: string; readonly port: number },
  prefix = `/${randomUUID()}`,
  { hosts, network, imageOf, config: more }: CloudOptions = {},
): Promise<Cloud> => {
  const dir = await makeTempDir('a-cloud');
  const config = apiConfigSchema.parse({
    etcd: etcdSection.parse({ host: etcd.host, port: etcd.port, prefix }),
    images: { folder: join(dir.path, 'images') },
    ...more,
  });
  const store = await openStore(config.etcd);
  const options = { config, etcd: store, log: silentLogger() };
  const state = await openStateOf(options);
  const identity = createIdentity(options, state);
  // Its hash costs nothing.
  await state.write((draft) => planBootstrap(draft, { hash: hashSecret(PASSWORD), isForced: false }));
  const computeState = await openComputeStateOf(options);
  const agents = await openHostNetworks({ etcd: store, keys: createKeys(prefix), log: silentLogger() });
  const openedImages = await openImages(options);
  const { images } = openedImages;
  const opened = await openServers(options, { store: computeState, hosts: agents, images, identity, imageOf });
  const real = createCompute({ config, identity, store: computeState, servers: opened.servers, images });
  const compute = { ...real, ...(hosts && { hosts }) };
  const services = [
    createIdentityService(identity),
    createComputeService(compute),
    createImageService(openedImages.images),
    createNetworkService({ ...createNetwork(options, { hosts: agents, store: state }), ...network }),
  ] as const;
  const app = createApp({
    services,
    authenticate: createAuthenticate(identity),
    config: { maxBodyBytes: 100_000, timeoutMs: 30_000 },
  });
  const askAt: Cloud['askAt'] =
    (servicePath) =>
    async (request, { token, body, subject, version } = {}) => {
      const [method = 'GET', path = ''] = request.split(' ');
      const reply = await app.inject({
        // eslint-disable-next-line typescript/no-unsafe-type-assertion -- tests name methods
        method: method as 'GET',
        url: servicePath + path,
        headers: {
          ...(token !== undefined && { 'x-auth-token': token }),
          ...(subject !== undefined && { 'x-subject-token': subject }),
          ...(version !== undefined && { 'openstack-api-version': `compute ${version}` }),
        },
        ...(body !== undefined && { payload: JSON.stringify(body) }),
      });
      const header = (name: string): string | undefined => reply.headers[name]?.toString();
      return { status: reply.statusCode, body: reply.body === '' ? undefined : JSON.parse(reply.body), header };
    };
  const ask = askAt('/identity');
  return {
    app,
    services,
    identity,
    compute,
    ask,
    askAt,
    logIn: async (user, project) => {
      const domain = { id: 'default' };
      const methods = { methods: ['password'], password: { user: { name: user, domain, password: PASSWORD } } };
      const scope = project === undefined ? 'unscoped' : { project: { name: project, domain } };
      const { status, header, body } = await ask('POST /v3/auth/tokens', {
        body: { auth: { identity: methods, scope } },
      });
      if (status !== 201) throw new Error(`${user} cannot log in: ${JSON.stringify(body)}`);
      return header('x-subject-token') ?? '';
    },
    [Symbol.asyncDispose]: async () => {
      await app.close();
      await openedImages[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
      await state[Symbol.asyncDispose]();
      await opened[Symbol.asyncDispose]();
      await agents[Symbol.asyncDispose]();
      await computeState[Symbol.asyncDispose]();
      await store.close();
    },
  };
};

/** Makes what is missing. @returns the user's id. */
export const addUser = async (
  { ask }: Cloud,
  { admin, name, project, role }: { admin: string; name: string; project: string; role: string },
): Promise<string> => {
  const idOf = async (kind: string, wanted: string): Promise<string | undefined> =>
    (await ask(`GET /v3/${kind}?name=${wanted}`, { token: admin })).body[kind][0]?.id;
  const projectId =
    (await idOf('projects', project)) ??
    (await ask('POST /v3/projects', { token: admin, body: { project: { name: project } } })).body.project.id;
  const { user } = (await ask('POST /v3/users', { token: admin, body: { user: { name, password: PASSWORD } } })).body;
  await ask(`PUT /v3/projects/${projectId}/users/${user.id}/roles/${await idOf('roles', role)}`, { token: admin });
  return user.id;
};
