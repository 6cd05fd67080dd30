import type { IncomingMessage } from 'node:http';
import { parsePosition, typistSchema, type ConsolePosition } from '@etcd-compute/common/endpoint/protocol';
import { EcomputeError } from '@etcd-compute/common/errors';
import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';

/** What a request asks for. */
export type Route =
  | {
      readonly what: 'console';
      readonly instance: InstanceUuid;
      readonly follow: boolean;
      readonly isLive: boolean;
      readonly from: ConsolePosition | undefined;
      readonly tail: number | undefined;
    }
  | { readonly what: 'input'; readonly instance: InstanceUuid; readonly by: string; readonly isForced: boolean }
  | { readonly what: 'tunnel'; readonly instance: InstanceUuid; readonly port: number }
  | { readonly what: 'snapshot'; readonly id: string };

const PATH = /^\/instances\/([^/]{36})\/(console|input|tunnel)$/;

const SNAPSHOT_PATH = /^\/snapshots\/([0-9a-f-]{36})$/;

const refused = (message: string): EcomputeError =>
  new EcomputeError('ECOMPUTE_REQUEST_INVALID', message, {
    hint: 'eschedule and this agent may be of different versions',
  });

const readNumber = (query: URLSearchParams, name: string, max: number): number | undefined => {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,9}$/.test(text) || Number(text) > max) throw refused(`${name} is not a number from 0 to ${max}`);
  return Number(text);
};

/** @throws EcomputeError ECOMPUTE_REQUEST_INVALID */
export const parseRoute = ({ method, url }: Pick<IncomingMessage, 'method' | 'url'>): Route => {
  const [path = '', search] = (url ?? '').split('?', 2);
  const [, id] = SNAPSHOT_PATH.exec(path) ?? [];
  if (method === 'GET' && id !== undefined) return { what: 'snapshot', id };
  const [, text, what] = PATH.exec(path) ?? [];
  const instance = instanceUuidSchema.safeParse(text).data;
  if (method !== 'GET' || instance === undefined) throw refused('this agent serves nothing of that name');
  const query = new URLSearchParams(search);
  if (what === 'tunnel') {
    const port = readNumber(query, 'port', 65_535) ?? 0;
    if (port === 0) throw refused('a tunnel needs a port');
    return { what, instance, port };
  }
  if (what === 'input') {
    const by = typistSchema.safeParse(query.get('by')).data;
    if (by === undefined) throw refused('by does not say who types');
    return { what, instance, by, isForced: query.get('force') === 'true' };
  }
  const fromText = query.get('from');
  const from = fromText === null ? undefined : parsePosition(fromText);
  if (fromText !== null && !from) throw refused('from is not a position');
  const tail = readNumber(query, 'tail', 999_999_999);
  return {
    what: 'console',
    instance,
    follow: query.get('follow') === 'true',
    isLive: query.get('live') === 'true',
    from,
    tail,
  };
};
