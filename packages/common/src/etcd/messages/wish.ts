import { z } from 'zod';

/**
 * What a person asks of an instance that is built, in its boot request. The instance counts its wishes: the record says which was
 * carried out last, so each is carried out once, in order, and a guest that changes its power by itself later is left alone.
 */
export const wishSchema = z.looseObject({
  count: z.int().positive(),
  /** A name of `WISH_KINDS`; a newer scheduler may know more. */
  kind: z.string(),
  args: z.record(z.string(), z.unknown()).default({}),
});
export type Wish = z.output<typeof wishSchema>;

/** As earlier versions asked. */
export const powerSchema = z.looseObject({
  wish: z.enum(['running', 'stopped', 'rebooted']),
  count: z.int().positive(),
  hard: z.boolean().default(false),
});

type Power = z.output<typeof powerSchema>;

const KIND_OF = { running: 'start', stopped: 'stop', rebooted: 'reboot' } as const;

/** For an agent of an earlier version. @returns undefined for what those could not be asked. */
export const powerOfWish = ({ count, kind, args }: Wish): Power | undefined => {
  const wish = powerSchema.shape.wish.options.find((one) => KIND_OF[one] === kind);
  return wish && { wish, count, hard: args['hard'] === true };
};

export const wishOfPower = ({ wish, count, hard }: Power): Wish => ({
  count,
  kind: KIND_OF[wish],
  args: wish === 'running' ? {} : { hard },
});
