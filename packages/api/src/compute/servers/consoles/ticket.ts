import { z } from 'zod';

/** What is kept of the token of a console's URL, below a key that is made of its hash: the token itself is nowhere. */
export const ticketSchema = z.looseObject({
  version: z.literal(1),
  server: z.string(),
  /** Who asked for it, and the project of his token. */
  user: z.string(),
  project: z.string(),
  /** Milliseconds since 1970. Connections that were made before stay. */
  expires_at: z.number(),
});
export type Ticket = Readonly<z.output<typeof ticketSchema>>;
