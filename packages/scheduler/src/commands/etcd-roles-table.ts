import { providerUuidSchema, type ProviderUuid } from '@etcd-compute/common/ids';
import { usageError } from '../usage.js';
import type { CommandSpec } from './command-spec.js';

const parseHost = (text: string): ProviderUuid => {
  const uuid = providerUuidSchema.safeParse(text).data;
  if (uuid !== undefined) return uuid;
  throw usageError(
    `--host '${text}' is no uuid`,
    'expected what uuid: in compute.yaml says, or the file uuid in its state_dir; hosts that have reported need not be named',
  );
};

export const etcdRoles: CommandSpec = {
  summary: 'create etcd users that confine each host to its own keys',
  examples: [
    'eschedule etcd-roles --passwords etcd-passwords',
    'eschedule etcd-roles --passwords etcd-passwords --host c1a6523e-c50a-42c2-8952-f2d3a8479e99',
    'ESCHEDULE_ETCD__USER=root ESCHEDULE_ETCD__PASSWORD_FILE=etcd-passwords/root eschedule etcd-roles --passwords etcd-passwords',
  ],
  about: `Creates an etcd user and role for each host that has reported, one for the users of eschedule, one for eapi,
one for health checks, and root.
It writes each new password to a separate file, named like the user. Repeatable: it adds new hosts and repairs roles; passwords
stay. It does not enable authentication: \`etcdctl auth enable\` does, and from then on this command must run as root.`,
  instances: 'none',
  options: {
    passwords: { value: 'DIR', describe: 'the folder for the passwords; created if missing' },
    host: {
      value: 'UUID',
      isMany: true,
      describe: 'also this host, although it has not reported yet; may be repeated',
    },
    booted: {
      describe:
        'agents may write /booted/ for the original’s eschedule (the default); --no-booted: for hosts with booted: false in compute.yaml',
    },
  },
  plan: (args) => {
    const passwords = args.one('passwords');
    if (passwords === undefined)
      throw usageError('etcd-roles needs --passwords DIR', 'the folder where each new password gets a file');
    const hosts = args.many('host').map(parseHost);
    const writesBooted = args.isOn('booted', true);
    return async (context) => {
      return (await import('./etcd-roles.js')).etcdRoles(context, { passwords, hosts, writesBooted });
    };
  },
};
