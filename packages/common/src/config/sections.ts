import { z } from 'zod';
import { LOG_LEVELS } from '../log-levels.js';

/** The sections that `compute.yaml` and `schedule.yaml` share. Keys that the original had keep its names. */

const seconds = (fallback: number, description: string): z.ZodDefault<z.ZodNumber> =>
  z.number().positive().max(86_400).default(fallback).describe(`${description}, in seconds`);

export const secondsKey = seconds;

export const etcdSection = z
  .strictObject({
    host: z.string().min(1).default('localhost').describe('the etcd server, if there is only one'),
    port: z.int().min(1).max(65_535).default(2379).describe('its client port'),
    hosts: z
      .array(z.url())
      .min(1)
      .optional()
      .describe('the URLs of all members of an etcd cluster; replaces host and port'),
    ca_cert: z.string().optional().describe('file: the certificate of the authority that signed etcd’s; turns TLS on'),
    cert_cert: z.string().optional().describe('file: the client certificate'),
    cert_key: z.string().optional().describe('file: the key of the client certificate'),
    user: z.string().optional().describe('etcd user'),
    password: z.string().optional().describe('the etcd user’s password; better use password_file'),
    password_file: z.string().optional().describe('file: the password of the etcd user'),
    timeout: seconds(5, 'how long one call to etcd may take'),
    prefix: z
      .string()
      .regex(/^(\/[A-Za-z0-9_.-]+)*$/, 'expected nothing, or a path such as /cloud1 without a slash at its end')
      .default('')
      .describe('a prefix for every key, so that several clouds can share an etcd'),
  })
  .refine((etcd) => etcd.user === undefined || etcd.password !== undefined || etcd.password_file !== undefined, {
    message: 'user needs password or password_file',
    path: ['user'],
  })
  .refine((etcd) => (etcd.cert_cert === undefined) === (etcd.cert_key === undefined), {
    message: 'cert_cert and cert_key go together',
    path: ['cert_cert'],
  })
  .prefault({});
export type EtcdSection = z.output<typeof etcdSection>;

const DEFAULT_ENDPOINT = 'http://localhost:8080';

const placementKeys = z
  .strictObject({
    backend: z
      .enum(['etcd', 'service'])
      .default('etcd')
      .describe(
        'who counts what is free: `etcd`, this program itself in the etcd above; or `service`, a Placement service at `endpoint`, as when an endpoint is named',
      ),
    endpoint: z
      .url({ protocol: /^https?$/, error: 'expected an http(s) URL such as http://localhost:8080' })
      .default(DEFAULT_ENDPOINT)
      .describe('the URL of the Placement service, with its path if it has one'),
    token: z.string().default('admin').describe('sent as x-auth-token; `admin` is what noauth2 takes'),
    token_file: z.string().optional().describe('file: the token; replaces token'),
    ca_cert: z.string().optional().describe('file: the certificate of the authority that signed Placement’s'),
    timeout: seconds(30, 'how long one call to Placement may take'),
  })
  .prefault({});

/** `placement: etcd` is short for its `backend`; who names an endpoint, as the original's configs do, means a service. */
const completePlacement = (value: unknown, context: z.RefinementCtx): unknown => {
  if (value === 'etcd') return { backend: value };
  if (typeof value !== 'object' || value === null || !('endpoint' in value)) return value;
  if (!('backend' in value)) return { ...value, backend: 'service' };
  // As the samples have it, commented out.
  if (value.backend === 'etcd' && value.endpoint !== DEFAULT_ENDPOINT)
    context.addIssue({
      code: 'custom',
      path: ['endpoint'],
      message: 'etcd counts what is free, and has no endpoint: leave it out, or set backend to service',
    });
  return value;
};

export const placementSection = z.preprocess(completePlacement, placementKeys);
export type PlacementSection = z.output<typeof placementSection>;

export const logSection = z
  .strictObject({
    level: z.enum(LOG_LEVELS).default('info').describe('the lowest level to log'),
    format: z
      .enum(['auto', 'json', 'pretty'])
      .default('auto')
      .describe('json: one object per line; auto: pretty on a terminal, else json'),
  })
  .prefault({});
