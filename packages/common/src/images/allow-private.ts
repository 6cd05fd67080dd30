import ipaddr from 'ipaddr.js';
import { z } from 'zod';

const HOST_NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/** `images.allow_private` of configs: see `createUrlPolicy`. */
export const allowPrivateKey = z
  .array(
    z
      .string()
      .toLowerCase()
      .refine(
        (text) => ipaddr.isValid(text) || ipaddr.isValidCIDR(text) || HOST_NAME.test(text),
        'expected an address, a network such as 10.20.0.0/16, or the name of a host',
      ),
  )
  .default([])
  .describe('image servers that are allowed although their address is private, loopback or link-local');
