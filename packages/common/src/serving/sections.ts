import { z } from 'zod';
import { secondsKey } from '../config/sections.js';
import { CORS_DEFAULTS, type CorsConfig } from './cors.js';

/** Sections that the configs of our servers share. */

const names = (fallback: readonly string[], description: string) =>
  z
    .array(z.string().regex(/^\S+$/, 'expected a text without spaces'))
    .default([...fallback])
    .describe(description);

interface BodyLimit {
  /** In bytes. */
  readonly most: number;
  readonly usual: number;
}

/** @param body how large one may be, by config, and is by default. */
export const limitsSection = (body: BodyLimit) =>
  z
    .strictObject({
      body: z.int().min(1024).max(body.most).default(body.usual).describe('the largest body of a request, in bytes'),
      request: secondsKey(60, 'how long a request may take to arrive, and then to be answered'),
      shutdown: secondsKey(30, 'how long requests may take to end after SIGTERM'),
    })
    .prefault({});

export const tlsSection = z
  .strictObject({
    cert: z.string().min(1).describe('file: the certificate, and those between it and its authority'),
    key: z.string().min(1).describe('file: its key'),
  })
  .optional()
  .describe('serve https; the files are read again when they change');

export const corsSection = z
  .strictObject({
    allowed_origins: names(CORS_DEFAULTS.allowedOrigins, 'origins such as https://dashboard.example; `*` for all'),
    allow_methods: names(CORS_DEFAULTS.allowMethods, 'methods that they may use'),
    allow_headers: names(CORS_DEFAULTS.allowHeaders, 'headers that they may send'),
    expose_headers: names(CORS_DEFAULTS.exposeHeaders, 'headers of replies that they may see'),
    allow_credentials: z.boolean().default(CORS_DEFAULTS.allowCredentials).describe('whether they may send cookies'),
    max_age: z.int().min(0).max(86_400).optional().describe('how long they may remember this, in seconds'),
  })
  .prefault({})
  .describe('which pages of other origins may use the API from a browser; none by default');

/** What an app takes: nothing when no other origin may use it. */
export const corsOf = (cors: z.output<typeof corsSection>): { readonly cors?: CorsConfig } =>
  cors.allowed_origins.length === 0
    ? {}
    : {
        cors: {
          allowedOrigins: cors.allowed_origins,
          allowMethods: cors.allow_methods,
          allowHeaders: cors.allow_headers,
          exposeHeaders: cors.expose_headers,
          allowCredentials: cors.allow_credentials,
          ...(cors.max_age !== undefined && { maxAge: cors.max_age }),
        },
      };
