import type { View } from '@etcd-compute/placement/index/view';

/** A request to the API. In its body `@provider UUID` and `@consumer UUID` stand for generations, `@provider UUID +1` for a wrong one. */
export interface FuzzRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With the query. */
  readonly path: string;
  /** N of microversion 1.N. */
  readonly version: number;
  readonly body?: unknown;
}

/** The text of a generation that is read when the request is sent, so that it stays right when requests before it are left out. */
export const generationOf = (kind: 'provider' | 'consumer', uuid: string, off = 0): string =>
  `@${kind} ${uuid}${off === 0 ? '' : ` +${off}`}`;

/** A body as it is sent. */
export const resolveBody = (body: unknown, view: View): unknown =>
  JSON.parse(JSON.stringify(body), (_key, value: unknown) => {
    const found = typeof value === 'string' ? /^@(provider|consumer) (\S+)(?: \+(\d+))?$/.exec(value) : null;
    if (!found) return value;
    const [, kind, uuid = '', off = '0'] = found;
    if (kind === 'provider') return view.usage(uuid).generation + Number(off);
    const generation = view.consumer(uuid)?.generation;
    return generation === undefined ? (off === '0' ? null : Number(off)) : generation + Number(off);
  });

export const renderRequest = ({ method, path, version, body }: FuzzRequest): string =>
  `1.${version} ${method} ${decodeURIComponent(path)}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`;

/** Consumers as requests are made with them. */
const CONSUMER = 'c0000000-';

/**
 * The same request with other consumers. OpenStack Placement keeps consumers whose first allocation failed and shows them to nobody, so
 * each time that requests are played, they are about new ones.
 */
export const withConsumersOf = (play: number, request: FuzzRequest): FuzzRequest =>
  replaceIn(request, CONSUMER, consumerStart(play));

export const withoutConsumersOf = (play: number, request: FuzzRequest): FuzzRequest =>
  replaceIn(request, consumerStart(play), CONSUMER);

const consumerStart = (play: number): string => `c${play.toString(16).padStart(7, '0')}-`;

const replaceIn = (request: FuzzRequest, from: string, to: string): FuzzRequest =>
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- only uuids have changed
  JSON.parse(JSON.stringify(request).replaceAll(from, to)) as FuzzRequest;
