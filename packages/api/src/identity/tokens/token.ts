import { z } from 'zod';

/** What is kept of a token, below a key that is made of its hash: the token itself is nowhere. */
export const tokenSchema = z.looseObject({
  version: z.literal(1),
  user: z.string(),
  /** The user's epoch when it was issued: see `state/entities.ts`. */
  epoch: z.int(),
  methods: z.array(z.string()),
  scope: z.discriminatedUnion('type', [
    z.object({ type: z.literal('none') }),
    z.object({ type: z.enum(['project', 'domain']), id: z.string(), epoch: z.int() }),
    z.object({ type: z.literal('system') }),
  ]),
  /** The application credential that it was made from. */
  credential: z.string().optional(),
  /** Milliseconds since 1970. */
  issued_at: z.number(),
  expires_at: z.number(),
  /** Its own, and that of the first one of those that it was made from. */
  audit_ids: z.array(z.string()),
});
export type Token = Readonly<z.output<typeof tokenSchema>>;
