import { Range, type Role } from 'etcd3';
import type { EtcdSection } from '../config/sections.js';
import type { Grant } from './grants.js';
import { openClient } from './store-client.js';

/** Whether a role or user had to be changed. */
export type Ensured = 'created' | 'changed' | 'unchanged';

/**
 * etcd's users and roles. The root user may change them, and everybody may as long as authentication is not enabled. All may be
 * repeated.
 */
export interface EtcdAuth extends AsyncDisposable {
  /** Makes the role, and gives it just these rights: others are taken away. */
  ensureRole(name: string, grants: readonly Grant[]): Promise<Ensured>;
  hasUser(name: string): Promise<boolean>;
  createUser(name: string, password: string): Promise<void>;
  ensureUserHasRole(user: string, role: string): Promise<Ensured>;
}

const rangeOf = ({ on }: Grant): Range => ('prefix' in on ? Range.prefix(on.prefix) : new Range(on.key));

const textOf = ({ start, end }: Range): string => `${start.toString('hex')} ${end.toString('hex')}`;

export const openEtcdAuth = async (etcd: EtcdSection): Promise<EtcdAuth> => {
  const { client, call } = await openClient(etcd);

  /** @returns whether anything was to be changed. */
  const changeRole = async (role: Role, grants: readonly Grant[]): Promise<boolean> => {
    const change = async (run: () => Promise<unknown>): Promise<unknown> => call(`change role ${role.name}`, run);
    const has = await call(`read role ${role.name}`, async () => role.permissions());
    const there = new Map(has.map(({ permission, range }) => [textOf(range), permission]));
    const wanted = new Set(grants.map((grant) => textOf(rangeOf(grant))));
    const missing = grants.filter((grant) => there.get(textOf(rangeOf(grant))) !== grant.right);
    const extra = has.filter(({ range }) => !wanted.has(textOf(range)));
    // A right replaces another one on the same keys, so nothing that is needed is missing for a moment.
    for (const grant of missing)
      await change(async () => role.grant({ permission: grant.right, range: rangeOf(grant) }));
    for (const permission of extra) await change(async () => role.revoke(permission));
    return missing.length + extra.length > 0;
  };

  return {
    ensureRole: async (name, grants) => {
      const roles = await call('list the roles', async () => client.getRoles());
      const isNew = !roles.some((role) => role.name === name);
      const role = client.role(name);
      if (isNew) await call(`make role ${name}`, async () => role.create());
      const isChanged = await changeRole(role, grants);
      return isNew ? 'created' : isChanged ? 'changed' : 'unchanged';
    },
    hasUser: async (name) => {
      const users = await call('list the users', async () => client.getUsers());
      return users.some((user) => user.name === name);
    },
    createUser: async (name, password) => {
      await call(`make user ${name}`, async () => client.user(name).create(password));
    },
    ensureUserHasRole: async (name, role) => {
      const roles = await call(`read user ${name}`, async () => client.user(name).roles());
      if (roles.some((one) => one.name === role)) return 'unchanged';
      await call(`give user ${name} the role ${role}`, async () => client.user(name).addRole(role));
      return 'changed';
    },
    [Symbol.asyncDispose]: async () => client.close(),
  };
};
