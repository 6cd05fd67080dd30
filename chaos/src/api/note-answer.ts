import type { ApiLedger, Create } from './api-ledger.js';
import type { Answer } from './client.js';

/** Whether it may have been done: no answer came, or none that refuses it. */
export const mayBeDone = (answer: Answer | undefined): boolean =>
  answer === undefined || answer.status < 300 || answer.status >= 500;

export const noteCreate = (
  { creates }: ApiLedger,
  { name, least, most }: { readonly name: string } & Pick<Create, 'least' | 'most'>,
  answer: Answer | undefined,
): void => {
  creates.set(name, { least, most, answer: toKind(answer) });
};

const toKind = (answer: Answer | undefined): Create['answer'] => {
  if (answer === undefined || answer.status >= 500) return 'unknown';
  return answer.status < 300 ? 'accepted' : 'refused';
};
