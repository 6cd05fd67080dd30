import type { FuzzRequest } from './request.js';

/** What a server answers, as far as it is compared. */
export interface Reply {
  readonly status: number;
  /** Of what clients read: whether it is there, and of `location` the path. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed when it is JSON. */
  readonly body: unknown;
}

export const send = async (endpoint: string, request: FuzzRequest, body: unknown): Promise<Reply> => {
  const response = await fetch(endpoint + request.path, {
    method: request.method,
    headers: {
      'x-auth-token': 'admin',
      'x-roles': 'admin,service,member,reader',
      accept: 'application/json',
      'openstack-api-version': `placement 1.${request.version}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: readHeaders(response.headers), body: parse(await response.text()) };
};

const readHeaders = (headers: Headers): Record<string, string> => {
  const location = headers.get('location');
  return {
    'content-type': headers.get('content-type')?.split(';')[0] ?? '',
    location: location === null ? '' : new URL(location).pathname,
    'cache-control': headers.get('cache-control') ?? '',
    'last-modified': headers.has('last-modified') ? 'there' : '',
    'openstack-api-version': headers.get('openstack-api-version') ?? '',
    allow: headers.get('allow')?.split(/, */).toSorted().join() ?? '',
  };
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};
