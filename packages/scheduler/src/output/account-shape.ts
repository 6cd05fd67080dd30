import type { Ensured } from '@etcd-compute/common/etcd/store-auth';
import type { Shape } from './output.js';

/** A user of etcd as `-o json` shows it. Scripts rely on every name in it. */
export interface AccountView {
  readonly user: string;
  /** Whose agent uses it; null for those of people. */
  readonly host: string | null;
  readonly hostName: string | null;
  readonly state: Ensured;
  /** Null where somebody else has made the user. */
  readonly passwordFile: string | null;
}

export const accountShape: Shape<AccountView> = {
  columns: [
    { title: 'USER', cell: ({ user }) => user },
    { title: 'HOST', cell: ({ hostName, host }) => hostName ?? host ?? '-' },
    { title: 'STATE', cell: ({ state }) => state },
    { title: 'PASSWORD', cell: ({ passwordFile }) => passwordFile ?? '(as it was)' },
  ],
  wideColumns: [{ title: 'HOST UUID', cell: ({ host }) => host ?? '-' }],
  id: ({ user }) => user,
  none: 'there are no users',
};
