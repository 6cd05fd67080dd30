import { z } from 'zod';

/** The `metadata` section of `compute.yaml`. */
export const metadataSection = z
  .union(
    [
      z.boolean(),
      z.strictObject({
        token: z
          .enum(['required', 'optional'])
          .optional()
          .describe(
            'whether guests need a token; by default required, except for the OpenStack paths when guests.config_drive is none: cloud-init then reads those, without a token',
          ),
      }),
    ],
    'expected true, false, or { token: required } or { token: optional }',
  )
  .default(false)
  .describe('true: also serve guests their configuration at http://169.254.169.254/');

type MetadataSection = z.output<typeof metadataSection>;

export const isMetadataOn = ({ metadata }: { readonly metadata: MetadataSection }): boolean => metadata !== false;

/** The paths that need a token. */
export interface TokenRules {
  readonly ec2: boolean;
  readonly openstack: boolean;
}

export const tokenRulesOf = ({
  metadata,
  guests,
}: {
  readonly metadata: MetadataSection;
  readonly guests: { readonly config_drive: string };
}): TokenRules => {
  const token = typeof metadata === 'object' ? metadata.token : undefined;
  if (token !== undefined) return { ec2: token === 'required', openstack: token === 'required' };
  return { ec2: true, openstack: guests.config_drive !== 'none' };
};
