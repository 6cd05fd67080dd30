import { z } from 'zod';

/** The body of `POST /v3/auth/tokens`. https://docs.openstack.org/api-ref/identity/v3/#authentication-and-token-management */

const TEXT = z.string().max(255);
/** Longer ones are a way to keep the server busy. */
export const SECRET = z.string().max(1024);

const domainRef = z.object({ id: TEXT.optional(), name: TEXT.optional() });
const userRef = z.object({ id: TEXT.optional(), name: TEXT.optional(), domain: domainRef.optional() });

const METHODS = ['password', 'token', 'application_credential'] as const;

const identity = z
  .object({
    methods: z.array(z.string()).min(1).max(METHODS.length),
    password: z.object({ user: userRef.extend({ password: SECRET }) }).optional(),
    token: z.object({ id: SECRET }).optional(),
    application_credential: z
      .object({ id: TEXT.optional(), name: TEXT.optional(), secret: SECRET, user: userRef.optional() })
      .optional(),
  })
  .refine((identity) => METHODS.every((method) => !identity.methods.includes(method) || identity[method]), {
    message: 'each of the methods needs a member of its name',
  });

const scope = z.union([
  z.literal('unscoped'),
  z.object({
    project: z.object({ id: TEXT.optional(), name: TEXT.optional(), domain: domainRef.optional() }).optional(),
    domain: domainRef.optional(),
    system: z.object({ all: z.boolean() }).optional(),
    unscoped: z.unknown().optional(),
  }),
]);

export const authRequest = z.object({ auth: z.object({ identity, scope: scope.optional() }) });

export type AuthIdentity = z.output<typeof identity>;
export type AuthScope = z.output<typeof scope>;
export type DomainRef = z.output<typeof domainRef>;
export type UserRef = z.output<typeof userRef>;
