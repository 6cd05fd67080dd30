import { parseWant } from '@etcd-compute/common/capacity/want';
import { EcomputeError, formatErrorChain } from '@etcd-compute/common/errors';
import { instanceUuidSchema } from '@etcd-compute/common/ids';
import { imageUrlSchema } from '../config.js';
import { EXIT_CODES } from '../exit-code.js';
import { usageError } from '../usage.js';
import type { CommandContext } from './context.js';
import type { OriginalForm } from './original-form.js';

const failLine = (err: EcomputeError): string =>
  `FAIL: ${JSON.stringify({ code: err.code, message: formatErrorChain(err), ...err.details })}`;

/** Presence is not asked for: an agent of the original shows none. */
export const scheduleAsOriginal = async (
  { cloud, config, output, interruption: { signal } }: CommandContext,
  { resources, image = config.image }: OriginalForm & { form: 'schedule' },
): Promise<number> => {
  if (!imageUrlSchema.safeParse(image).success)
    throw usageError(`the image '${image}' is not usable`, 'expected an http(s) URL of a disk image');
  output.line(resources);
  const { booted, errors } = await cloud
    .boot({
      want: parseWant(resources),
      image,
      strategy: config.strategy,
      needsAgents: false,
      signal,
      onEvent: (event) => {
        if (event.type !== 'refused') return;
        output.line(`CLAIM ${event.error instanceof EcomputeError ? failLine(event.error) : 'FAIL'}`);
      },
    })
    .catch((err: unknown) => ({ booted: [], errors: [err] }));
  const [only] = booted;
  if (only) {
    output.line(`NOTIFIED TARGET, ${only.instance.host}, OF INSTANCE ${only.instance.instance}`);
    return EXIT_CODES.done;
  }
  const [err] = errors;
  if (!(err instanceof EcomputeError && err.code === 'ECOMPUTE_NO_CANDIDATES')) {
    if (err instanceof EcomputeError && err.code.startsWith('ECOMPUTE_PLACEMENT_')) output.line(failLine(err));
    throw err;
  }
  output.line('NO ALLOCATIONS LEFT');
  output.line('FAIL: no allocation available');
  output.error(err);
  return EXIT_CODES.failed;
};

export const queryAsOriginal = async (
  { cloud, output, interruption: { signal } }: CommandContext,
  { instance: typed }: OriginalForm & { form: 'query' },
): Promise<number> => {
  const { address, record } = await cloud.findAddress(instanceUuidSchema.parse(typed), { signal });
  if (address !== undefined) {
    output.line(address);
    return EXIT_CODES.done;
  }
  output.line(`Instance ${typed} acquired no IP`);
  if (record) {
    const { state, fault } = record;
    output.note(`eschedule: its state is ${state}${fault ? `: ${fault.message}` : ''}`);
  }
  return EXIT_CODES.failed;
};
