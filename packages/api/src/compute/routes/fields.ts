import { z } from 'zod';

/** Parts of bodies. */

const MAX_INTEGER = 0x7f_ff_ff_ff;

/** Clients write numbers as texts, too. */
const number = (min: number) =>
  z
    .union([
      z.int(),
      z
        .string()
        .regex(/^-?\d{1,18}$/, 'expected a number')
        .transform(Number),
    ])
    .pipe(z.int().min(min).max(MAX_INTEGER));

export const positive = number(1);
export const notNegative = number(0);

/** What can be read as one thing only is not refused. */
export const boolean = z.union([
  z.boolean(),
  z.stringbool({
    truthy: ['1', 't', 'true', 'on', 'y', 'yes'],
    falsy: ['0', 'f', 'false', 'off', 'n', 'no'],
  }),
]);

export const printable = z.string().regex(/^\P{C}*$/u, 'expected characters that can be printed');
/** No space before or after it. */
export const name = printable
  .min(1)
  .max(255)
  .regex(/^\S(?:.*\S)?$/u, 'expected no space before or after it');
