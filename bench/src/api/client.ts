/** What the benchmark says to eapi, as a client with a token. */
export interface ApiClient {
  readonly token: string;
  /** @param path below the endpoint. @throws Error with the body when the status is none of 2xx. */
  readonly send: (method: string, path: string, body?: unknown) => Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** As the admin that `eapi bootstrap` has made. */
export const logIn = async (endpoint: string, password: string): Promise<ApiClient> => {
  const user = { name: 'admin', domain: { id: 'default' }, password };
  const identity = { methods: ['password'], password: { user } };
  const scope = { project: { name: 'admin', domain: { id: 'default' } } };
  const { headers } = await request(`${endpoint}/identity/v3/auth/tokens`, {
    method: 'POST',
    headers: JSON_TYPE,
    body: JSON.stringify({ auth: { identity, scope } }),
  });
  const token = headers.get('x-subject-token') ?? '';
  return {
    token,
    send: async (method, path, body) =>
      request(`${endpoint}${path}`, {
        method,
        headers: {
          'x-auth-token': token,
          'x-subject-token': token,
          ...(body instanceof Uint8Array ? { 'content-type': 'application/octet-stream' } : JSON_TYPE),
        },
        ...(body !== undefined && { body: body instanceof Uint8Array ? body : JSON.stringify(body) }),
      }),
  };
};

const request = async (url: string, init: RequestInit): Promise<Answer> => {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${url}: ${response.status} ${text}`);
  return { status: response.status, headers: response.headers, text };
};
