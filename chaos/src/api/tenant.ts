import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eapiProgram } from '@etcd-compute/testing/eapi';
import { runCommand } from '@etcd-compute/testing/run-command';
import { z } from 'zod';
import { ask, type Answer, type Asked } from './client.js';
import type { Eapi } from './eapis.js';
import { imageContent } from './image-content.js';

/** A project with a user, and what its servers are made of. Nothing of it is removed in a run. */
export interface Tenant {
  readonly project: string;
  readonly user: Login;
  readonly admin: Login;
  /** An image that is there all the time. */
  readonly image: string;
  readonly flavors: readonly [small: string, large: string];
  readonly keypair: string;
  /** One that keeps its servers apart, and one that keeps them together. */
  readonly groups: readonly string[];
}

export interface Login {
  readonly name: string;
  readonly password: string;
  readonly project: string;
  /** Of now; another one when it is refused. */
  token: string;
}

/** How much the project may have. Few enough that requests meet the limit. */
export const QUOTAS = [
  { instances: 6, cores: 8, ram: 640 },
  { instances: 8, cores: 10, ram: 768 },
  { instances: 10, cores: 12, ram: 1024 },
] as const;

const withId = z.looseObject({ id: z.string() });

/** @throws Error when it is not so. */
const need = <S extends z.ZodType>(answer: Answer | undefined, what: string, schema: S): z.output<S> => {
  if (!answer || answer.status >= 300)
    throw new Error(
      `${what}: expected it to be done, and the answer is ${answer?.status}: ${JSON.stringify(answer?.body)}`,
    );
  return schema.parse(answer.body);
};

const authOf = ({ name, password, project }: Omit<Login, 'token'>): object => {
  const domain = { id: 'default' };
  const user = { name, password, domain };
  return {
    auth: { identity: { methods: ['password'], password: { user } }, scope: { project: { name: project, domain } } },
  };
};

/** @returns a token; undefined when no eapi can give one now. */
export const logIn = async (eapi: Eapi, login: Omit<Login, 'token'>): Promise<string | undefined> => {
  const answer = await ask(eapi, 'POST /identity/v3/auth/tokens', { body: authOf(login) });
  return answer?.status === 201 ? (answer.header('x-subject-token') ?? undefined) : undefined;
};

const open = async (eapi: Eapi, login: Omit<Login, 'token'>): Promise<Login> => {
  const token = await logIn(eapi, login);
  if (token === undefined) throw new Error(`could not log in as ${login.name}`);
  return { ...login, token };
};

/** What the admin of a new cloud does first. */
export const makeTenant = async (eapi: Eapi): Promise<Tenant> => {
  const { dir, configPath } = eapi.service;
  const passwordFile = join(dir, 'admin-password');
  const password = 'of-nobody-else';
  await writeFile(passwordFile, password);
  await runCommand([
    process.execPath,
    eapiProgram,
    'bootstrap',
    '--config',
    configPath,
    '--password-file',
    passwordFile,
    '--clouds',
    join(dir, 'clouds.yaml'),
  ]);
  const admin = await open(eapi, { name: 'admin', password, project: 'admin' });
  const as =
    (login: Login) =>
    async <S extends z.ZodType>(request: string, schema: S, asked: Asked = {}): Promise<z.output<S>> =>
      need(await ask(eapi, request, { token: login.token, ...asked }), request, schema);
  const askAdmin = as(admin);

  const { project } = await askAdmin('POST /identity/v3/projects', z.object({ project: withId }), {
    body: { project: { name: 'shop', domain_id: 'default' } },
  });
  const { user } = await askAdmin('POST /identity/v3/users', z.object({ user: withId }), {
    body: { user: { name: 'keeper', password, domain_id: 'default' } },
  });
  const { roles } = await askAdmin(
    'GET /identity/v3/roles?name=member',
    z.looseObject({ roles: z.array(withId).min(1) }),
  );
  await askAdmin(`PUT /identity/v3/projects/${project.id}/users/${user.id}/roles/${roles[0]?.id}`, z.unknown());
  const flavors = ['small', 'large'] as const;
  for (const [index, name] of flavors.entries())
    await askAdmin('POST /compute/v2.1/flavors', z.unknown(), {
      body: { flavor: { id: name, name, vcpus: index + 1, ram: 64 * (index + 1), disk: 1 } },
    });
  await askAdmin(`PUT /compute/v2.1/os-quota-sets/${project.id}`, z.unknown(), { body: { quota_set: QUOTAS[1] } });

  const keeper = await open(eapi, { name: 'keeper', password, project: 'shop' });
  const askKeeper = as(keeper);
  const image = await askKeeper('POST /image/v2/images', withId, {
    body: { name: 'base', disk_format: 'raw', container_format: 'bare' },
  });
  await askKeeper(`PUT /image/v2/images/${image.id}/file`, z.unknown(), { body: imageContent('base') });
  await askKeeper('POST /compute/v2.1/os-keypairs', z.unknown(), { body: { keypair: { name: 'laptop' } } });
  const groups: string[] = [];
  for (const policy of ['anti-affinity', 'affinity'])
    groups.push(
      (
        await askKeeper('POST /compute/v2.1/os-server-groups', z.object({ server_group: withId }), {
          body: { server_group: { name: policy, policy } },
        })
      ).server_group.id,
    );
  return { project: project.id, user: keeper, admin, image: image.id, flavors, keypair: 'laptop', groups };
};
