import type { Store } from '@etcd-compute/common/etcd/store';
import type { Caller } from '../../../http/caller.js';
import { createTokenStore } from '../../../identity/tokens/token-store.js';
import { ticketSchema, type Ticket } from './ticket.js';

/** Serial consoles by websocket: who may connect to which. */
export interface Consoles {
  /** @returns a URL that lets connect for a while, at any server of the cloud. */
  readonly issueUrl: (ticket: Pick<Ticket, 'server' | 'user' | 'project'>) => Promise<string>;
  /** What a token lets connect to; undefined when it is none of ours, or has ended. */
  readonly find: (token: string) => Promise<Ticket | undefined>;
  /** Who it was that asked, as things are now; undefined when he is nobody any more. */
  readonly callerOf: (ticket: Ticket) => Caller | undefined;
  /** Resolves when `callerOf` sees all that was written before. */
  readonly look: () => Promise<unknown>;
  /** How many may be open at this server. */
  readonly limit: number;
}

export interface ConsolesOptions extends Pick<Consoles, 'callerOf' | 'look' | 'limit'> {
  readonly etcd: Store;
  readonly keyOf: (hash: string) => string;
  /** Of the websocket: ws or wss. */
  readonly url: string;
  /** For which a URL is good. */
  readonly lifetimeMs: number;
  readonly now: () => number;
}

export const createConsoles = ({ etcd, keyOf, url, lifetimeMs, now, ...others }: ConsolesOptions): Consoles => {
  const tokens = createTokenStore<Ticket>({ etcd, keyOf, schema: ticketSchema, now });
  return {
    ...others,
    issueUrl: async (asked) => {
      const token = await tokens.issue({ version: 1, ...asked, expires_at: now() + lifetimeMs });
      return `${url}?${new URLSearchParams({ token }).toString()}`;
    },
    find: async (token) => {
      const ticket = token === '' ? undefined : tokens.read(await etcd.get(tokens.keyOf(token)));
      return ticket && ticket.expires_at > now() ? ticket : undefined;
    },
  };
};
