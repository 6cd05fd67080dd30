import { etcdSection, logSection } from '@etcd-compute/common/config/sections';
import { z } from 'zod';
import { corsSection, limitsSection, tlsSection } from '@etcd-compute/common/serving/sections';
import { POLICY_DEFAULTS } from '../http/policy/policy.js';

/** `eplacement.yaml`. */

const file = (description: string) => z.string().min(1).optional().describe(`file: ${description}`);

const listenSection = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1').describe('the address to listen at; 0.0.0.0 or :: for all'),
    port: z.int().min(0).max(65_535).default(8778).describe('the port to listen at; 0: any free port'),
    path: z
      .string()
      .regex(/^(\/[A-Za-z0-9_.-]+)*$/, 'expected nothing, or a path such as /placement without a slash at its end')
      .default('')
      .describe('what stands before each path of the API'),
  })
  .prefault({});

const candidatesSection = z
  .strictObject({
    randomize: z
      .boolean()
      .default(true)
      .describe('true: in random order, so that those who ask at the same time do not all take the same host'),
    strategy: z
      .enum(['breadth-first', 'depth-first'])
      .default('breadth-first')
      .describe('breadth-first: one candidate of each host before the second of any'),
    max: z.int().min(1).optional().describe('no more than that, whatever the limit of a request'),
    max_choices: z
      .int()
      .min(1000)
      .max(1e9)
      .default(200_000)
      .describe('how long to search: about 1,000 each millisecond'),
    linearizable: z
      .boolean()
      .default(false)
      .describe('true: ask etcd first, and never tell what another server has just changed; at half the rate'),
  })
  .prefault({});

const sections = z.strictObject({
  etcd: etcdSection,
  listen: listenSection,
  tls: tlsSection,
  auth: z
    .enum(['noauth2', 'tokens'])
    .default('noauth2')
    .describe('noauth2: a request says itself who sends it; tokens: it needs one of tokens_file'),
  tokens_file: file('who has which token; read again when it changes'),
  policy_file: file('rules that replace the built-in ones, as OpenStack’s policy.yaml; read again when it changes'),
  enforce_new_defaults: z
    .boolean()
    .default(POLICY_DEFAULTS.enforceNewDefaults)
    .describe('true: only what the built-in rules say now lets somebody in, not what they said in earlier versions'),
  enforce_scope: z
    .boolean()
    .default(POLICY_DEFAULTS.enforceScope)
    .describe('true: tokens of the whole system are not taken where a project’s are meant'),
  cors: corsSection,
  candidates: candidatesSection,
  limits: limitsSection({ most: 2 ** 30, usual: 16 * 1024 * 1024 }),
  log: logSection,
});

export const serverConfigSchema = sections.refine((config) => config.auth !== 'tokens' || config.tokens_file, {
  message: 'auth: tokens needs it',
  path: ['tokens_file'],
});
export type ServerConfig = z.output<typeof serverConfigSchema>;
