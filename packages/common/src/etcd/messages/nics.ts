import { z } from 'zod';

/** The name of a network of a host: a libvirt network, or `bridge:` and the name of a bridge. */
export const networkNameSchema = z
  .string()
  .regex(
    /^(?:[A-Za-z0-9][A-Za-z0-9_.-]{0,49}|bridge:[A-Za-z0-9_.-]{1,15})$/,
    'expected the name of a network, such as ecompute, or bridge: and that of a bridge, such as bridge:br0',
  );

/** Machines have room for some 30 devices. */
export const MAX_NICS = 8;

/** An interface that an instance asks for. Unknown members are kept. */
export const wantedNicSchema = z.looseObject({
  /** Counts the interfaces of one guest; it never changes, as long as the interface is there. */
  slot: z.int().min(0).max(35),
  network: networkNameSchema,
});
export type WantedNic = z.output<typeof wantedNicSchema>;

/** An interface that an instance has. */
export const reportedNicSchema = wantedNicSchema.extend({
  /** Undefined until its domain is defined; null: the domain lacks the interface. */
  mac: z.string().nullable().optional(),
  /** What its host has reserved for it. Undefined where others give out the addresses, or its agent is older. */
  address: z.string().optional(),
});
export type ReportedNic = z.output<typeof reportedNicSchema>;

const isUnique = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

export const wantedNicsSchema = z
  .array(wantedNicSchema)
  .min(1)
  .max(MAX_NICS)
  .refine((nics) => isUnique(nics.map(({ slot }) => slot)), 'expected each slot once')
  .refine((nics) => isUnique(nics.map(({ network }) => network)), 'expected each network once');
