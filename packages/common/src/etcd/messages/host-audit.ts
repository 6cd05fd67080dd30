import { z } from 'zod';
import { instanceUuidSchema, providerUuidSchema, sessionUuidSchema } from '../../ids.js';

/** What only the host's agent can see: things of ours on the host. */
export const LEFTOVER_KINDS = [
  'domain-without-request',
  'disk-without-request',
  'console-log-without-request',
] as const;
export type LeftoverKind = (typeof LEFTOVER_KINDS)[number];

/**
 * The value at `/audits/<host>`: what the host's agent found, at its last look, that does not fit together. It is under no lease:
 * what a host held when it went down stays known. Written when the findings change, and now and then all the same, so that
 * `at` tells how old they may be.
 */
export const HOST_FINDING_KINDS = [
  'allocation-without-request',
  'request-without-allocation',
  ...LEFTOVER_KINDS,
] as const;
export type HostFindingKind = (typeof HOST_FINDING_KINDS)[number];

const hostFindingSchema = z.looseObject({
  /** One of `HOST_FINDING_KINDS`, or what a newer agent knows. */
  kind: z.string(),
  /** The instance, which is also the consumer in Placement. */
  instance: instanceUuidSchema,
  detail: z.string(),
  /** When it was seen first. */
  since: z.string(),
});
export type HostFinding = z.output<typeof hostFindingSchema>;

export const hostAuditSchema = z.looseObject({
  version: z.literal(1),
  host: providerUuidSchema,
  session: sessionUuidSchema,
  at: z.string(),
  findings: z.array(hostFindingSchema),
  /** Findings beyond `MAX_FINDINGS`, of which only the number is told. */
  left_out: z.int().nonnegative().default(0),
});
export type HostAudit = z.output<typeof hostAuditSchema>;

/** etcd takes values up to 1.5 MiB by default, and nobody reads more. */
export const MAX_FINDINGS = 1000;
