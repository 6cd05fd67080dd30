import { parseArgs } from 'node:util';

/** What the command line says of these numbers, which are the defaults: `--runs 3`. @throws TypeError for what it does not know. */
export const readNumericOptions = <T extends Readonly<Record<string, number>>>(
  defaults: T,
): { readonly [Name in keyof T]: number } => {
  const { values } = parseArgs({
    options: Object.fromEntries(Object.keys(defaults).map((name) => [name, { type: 'string' as const }])),
  });
  return { ...defaults, ...Object.fromEntries(Object.entries(values).map(([name, text]) => [name, Number(text)])) };
};
