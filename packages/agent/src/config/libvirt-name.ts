import { z } from 'zod';

/** A name of a libvirt object that is safe in XML, in paths and in nftables. */
export const libvirtName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,49}$/, 'expected up to 50 letters, digits, dots, dashes and underscores');
