import type { Address } from '@etcd-compute/common/etcd/messages/instance-record';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import pLimit from 'p-limit';
import { FOUND, type Answer } from './answer.js';

/**
 * Asks one source about guests, in the background and one guest at a time, and remembers each answer. So a guest that does not
 * answer holds one call of libvirt at the most, and nobody waits for it; one that stays silent is asked more and more seldom.
 */
export interface Inquiry {
  /** The latest answer, undefined before the first. When it is older than `everyMs`, the source is asked again. */
  latest(
    instance: InstanceUuid,
    details: { readonly macs: readonly string[]; readonly everyMs: number },
  ): Answer | undefined;
  /** The latest answer, without asking. */
  known(instance: InstanceUuid): Answer | undefined;
  /** There is reason to hope for another answer: the next `latest` asks at once. */
  hasNews(instance: InstanceUuid): void;
  forget(instance: InstanceUuid): void;
}

export interface InquiryOptions {
  readonly ask: (instance: InstanceUuid, macs: readonly string[]) => Promise<Address[]>;
  /** What a record says when the source answers without an address. */
  readonly nothing: string;
  /** What a record says when asking failed. */
  readonly explain: (err: unknown) => string;
  /** An answer is another one than before. */
  readonly wake: (instance: InstanceUuid) => void;
  readonly now: () => number;
}

interface Asked {
  answer: Answer | undefined;
  failures: number;
  askedAtMs: number;
  isAsking: boolean;
  /** News came while it was asked, perhaps too late for the answer. */
  hasNews: boolean;
}

/** Once in so many times of its turn, a silent source is still asked. */
const MOST_SELDOM = 16;

export const createInquiry = ({ ask, nothing, explain, wake, now }: InquiryOptions): Inquiry => {
  const all = new Map<InstanceUuid, Asked>();
  const inTurn = pLimit(1);

  const put = (instance: InstanceUuid, asked: Asked, answer: Answer): void => {
    const isNew = JSON.stringify(answer) !== JSON.stringify(asked.answer);
    asked.answer = answer;
    if (isNew && all.get(instance) === asked) wake(instance);
  };
  const askOnce = async (instance: InstanceUuid, asked: Asked, macs: readonly string[]): Promise<void> => {
    if (all.get(instance) !== asked) return; // forgotten while it waited for its turn
    asked.hasNews = false;
    try {
      const addresses = await ask(instance, macs);
      asked.failures = 0;
      put(instance, asked, { said: addresses.length > 0 ? FOUND : nothing, addresses });
    } catch (err) {
      asked.failures += 1;
      // What is silent once may be starting anew; the addresses are most likely what they were.
      const mayStay = asked.failures === 1 && (asked.answer?.addresses.length ?? 0) > 0;
      if (!mayStay) put(instance, asked, { said: explain(err), addresses: [] });
    } finally {
      asked.isAsking = false;
      asked.askedAtMs = asked.hasNews ? Number.NEGATIVE_INFINITY : now();
    }
  };

  return {
    latest: (instance, { macs, everyMs }) => {
      const asked = all.get(instance) ?? {
        answer: undefined,
        failures: 0,
        askedAtMs: Number.NEGATIVE_INFINITY,
        isAsking: false,
        hasNews: false,
      };
      all.set(instance, asked);
      // The first time that it fails may be chance.
      const seldom = Math.min(2 ** Math.max(0, asked.failures - 1), MOST_SELDOM);
      if (!asked.isAsking && now() - asked.askedAtMs >= everyMs * seldom) {
        asked.isAsking = true;
        void inTurn(async () => askOnce(instance, asked, macs));
      }
      return asked.answer;
    },
    known: (instance) => all.get(instance)?.answer,
    hasNews: (instance) => {
      const asked = all.get(instance);
      if (!asked) return;
      asked.failures = 0;
      asked.hasNews = true;
      asked.askedAtMs = Number.NEGATIVE_INFINITY;
    },
    forget: (instance) => {
      all.delete(instance);
    },
  };
};
