import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { InstanceUuid } from '@etcd-compute/common/ids';

/**
 * Tokens as of IMDSv2, each good for one guest: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
 * Nothing is kept of them: a token is its end and a signature. After a restart of the agent, guests ask for new ones.
 */
export interface Tokens {
  readonly issue: (instance: InstanceUuid, ttlSeconds: number) => string;
  readonly isValid: (instance: InstanceUuid, token: string) => boolean;
}

const MAX_TOKEN_TTL_SECONDS = 21_600;

/** @returns undefined when the header does not say 1 to 21600. */
export const parseTokenTtl = (header: string | undefined): number | undefined => {
  const seconds = /^\d{1,5}$/.test(header ?? '') ? Number(header) : 0;
  return seconds >= 1 && seconds <= MAX_TOKEN_TTL_SECONDS ? seconds : undefined;
};

export const createTokens = (now: () => number): Tokens => {
  const secret = randomBytes(32);
  const sign = (instance: InstanceUuid, end: string): Buffer =>
    createHmac('sha256', secret).update(`${instance} ${end}`).digest();
  return {
    issue: (instance, ttlSeconds) => {
      const end = (now() + ttlSeconds * 1000).toString(36);
      return `${end}-${sign(instance, end).toString('base64url')}`;
    },
    isValid: (instance, token) => {
      const [, end = '', signature = ''] = /^([0-9a-z]{1,12})-([\w-]{43})$/.exec(token) ?? [];
      const given = Buffer.from(signature, 'base64url');
      const expected = sign(instance, end);
      return given.length === expected.length && timingSafeEqual(given, expected) && Number.parseInt(end, 36) > now();
    },
  };
};
