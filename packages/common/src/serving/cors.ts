import type { IncomingHttpHeaders } from 'node:http';

/** Which pages of other origins may use the API from a browser. https://fetch.spec.whatwg.org/#http-cors-protocol */
export interface CorsConfig {
  /** `*` stands for all. */
  readonly allowedOrigins: readonly string[];
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly allowCredentials: boolean;
  /** Seconds. */
  readonly maxAge?: number;
}

export const CORS_DEFAULTS: CorsConfig = {
  allowedOrigins: [],
  allowMethods: ['GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS'],
  allowHeaders: [],
  exposeHeaders: [],
  allowCredentials: true,
};

/** Headers that need no permission. */
const SIMPLE_HEADERS = [
  'accept',
  'accept-language',
  'content-type',
  'cache-control',
  'content-language',
  'expires',
  'last-modified',
  'pragma',
];

/** What a browser is told before it asks. Empty when it may not. */
export const answerPreflight = (config: CorsConfig, headers: IncomingHttpHeaders): Record<string, string> => {
  const origin = allowedOrigin(config, headers);
  const method = headers['access-control-request-method'];
  if (origin === undefined || method === undefined || !config.allowMethods.includes(method)) return {};
  const asked = (headers['access-control-request-headers'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const allowed = new Set([...config.allowHeaders, ...SIMPLE_HEADERS].map((name) => name.toLowerCase()));
  if (!asked.every((name) => allowed.has(name.toLowerCase()))) return {};
  return {
    ...allowOrigin(config, origin),
    ...(config.maxAge === undefined ? {} : { 'access-control-max-age': String(config.maxAge) }),
    'access-control-allow-methods': method,
    ...(asked.length > 0 ? { 'access-control-allow-headers': asked.join(',') } : {}),
  };
};

/** What lets a browser show a reply to the page that asked. Empty when it may not. */
export const allowReply = (config: CorsConfig, headers: IncomingHttpHeaders): Record<string, string> => {
  const origin = allowedOrigin(config, headers);
  if (origin === undefined) return {};
  return {
    ...allowOrigin(config, origin),
    ...(config.exposeHeaders.length > 0 ? { 'access-control-expose-headers': config.exposeHeaders.join(',') } : {}),
  };
};

const allowOrigin = (config: CorsConfig, origin: string): Record<string, string> => ({
  vary: 'Origin',
  'access-control-allow-origin': origin,
  ...(config.allowCredentials ? { 'access-control-allow-credentials': 'true' } : {}),
});

const allowedOrigin = (config: CorsConfig, { origin }: IncomingHttpHeaders): string | undefined => {
  if (origin === undefined) return undefined;
  if (config.allowedOrigins.includes(origin)) return origin;
  return config.allowedOrigins.includes('*') ? '*' : undefined;
};
