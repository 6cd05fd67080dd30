import type { Eapi } from './eapis.js';

/** What an eapi answered; undefined: no answer came, so it may have done what it was asked, or not. */
export type Answer = {
  readonly status: number;
  readonly body: unknown;
  readonly header: (name: string) => string | null;
};

export interface Asked {
  readonly token?: string | undefined;
  readonly subject?: string;
  /** JSON, or the bytes of an image. */
  readonly body?: unknown;
}

/** Longer than any fault lasts, and than eapi's own deadline for a request. */
const HUNG_AFTER_MS = 120_000;
/** Of compute; it has everything that is asked for here. */
const VERSION = 'compute 2.72';

/** @throws DOMException TimeoutError when nothing came for so long that it counts as hung. */
export const ask = async (
  { front }: Pick<Eapi, 'front'>,
  request: string,
  asked: Asked = {},
): Promise<Answer | undefined> => {
  const [method = 'GET', path = ''] = request.split(' ');
  const { token, subject, body } = asked;
  try {
    const response = await fetch(front.endpoint + path, {
      method,
      headers: {
        'openstack-api-version': VERSION,
        // A pooled connection that a fault has broken would fail the next request, too.
        connection: 'close',
        ...(token !== undefined && { 'x-auth-token': token }),
        ...(subject !== undefined && { 'x-subject-token': subject }),
        ...(body !== undefined && { 'content-type': contentTypeOf(body) }),
      },
      ...(body !== undefined && { body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body) }),
      signal: AbortSignal.timeout(HUNG_AFTER_MS),
    });
    const text = await response.text();
    return { status: response.status, body: parseJson(text), header: (name) => response.headers.get(name) };
  } catch (err) {
    if (err instanceof DOMException && err.name === 'TimeoutError') throw err;
    return undefined;
  }
};

const contentTypeOf = (body: unknown): string =>
  body instanceof Uint8Array ? 'application/octet-stream' : 'application/json';

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};
