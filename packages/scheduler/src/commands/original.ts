import { EcomputeError, formatErrorChain } from '@etcd-compute/common/errors';
import { instanceUuidSchema, newInstanceUuid } from '@etcd-compute/common/ids';
import { imageUrlSchema } from '../config.js';
import { EXIT_CODES } from '../exit-code.js';
import { noHostError } from '../placing/no-host.js';
import { createPlacer, type PlaceResult } from '../placing/placer.js';
import { readInstances } from '../instances/instance-entry.js';
import { checkRequestSize } from '../placing/request-size.js';
import { parseResourceQuery } from '../resource-query.js';
import { usageError } from '../usage.js';
import type { CommandContext } from './context.js';
import type { OriginalForm } from './original-form.js';

const failLine = (err: EcomputeError): string =>
  `FAIL: ${JSON.stringify({ code: err.code, message: formatErrorChain(err), ...err.details })}`;

/** Presence is not asked for: an agent of the original shows none. */
export const scheduleAsOriginal = async (
  context: CommandContext,
  { resources, image }: OriginalForm & { form: 'schedule' },
): Promise<number> => {
  const { cloud, output } = context;
  const imageUrl = image ?? cloud.config.image;
  if (!imageUrlSchema.safeParse(imageUrl).success)
    throw usageError(`the image '${imageUrl}' is not usable`, 'expected an http(s) URL of a disk image');
  output.line(resources);
  const query = parseResourceQuery(resources);
  const { strategy } = cloud.config;
  const placer = createPlacer({ cloud, query, strategy, count: 1, needsPresence: false });
  const spec = {
    instance: newInstanceUuid(),
    name: null,
    image: imageUrl,
    user: cloud.config.user,
    project: cloud.config.project,
    nameGuards: [],
  };
  checkRequestSize(spec);
  let result: PlaceResult;
  try {
    await placer.found();
    const onRefusal = (err: Error): void =>
      output.line(`CLAIM ${err instanceof EcomputeError ? failLine(err) : 'FAIL'}`);
    result = await context.interruption.guard(() => placer.place(spec, { onRefusal }));
  } catch (err) {
    if (err instanceof EcomputeError && err.code.startsWith('ECOMPUTE_PLACEMENT_')) output.line(failLine(err));
    throw err;
  }
  if (result.outcome === 'placed') {
    output.line(`NOTIFIED TARGET, ${result.candidate.host}, OF INSTANCE ${spec.instance}`);
    return EXIT_CODES.done;
  }
  output.line('NO ALLOCATIONS LEFT');
  output.line('FAIL: no allocation available');
  output.error(await noHostError({ cloud, query, dropped: result.dropped, asked: 1, unplaced: 1 }));
  return EXIT_CODES.failed;
};

export const queryAsOriginal = async (
  { cloud, output }: CommandContext,
  { instance: typed }: OriginalForm & { form: 'query' },
): Promise<number> => {
  const instance = instanceUuidSchema.parse(typed);
  const [[found], booted] = await Promise.all([
    readInstances(cloud, [{ instance }]),
    cloud.store().then(async (store) => store.get(cloud.keys.booted(instance))),
  ]);
  // Where agents do not write the original's key, the record has the address all the same.
  const address = booted?.value || found?.record?.addresses[0]?.address;
  if (address !== undefined) {
    output.line(address);
    return EXIT_CODES.done;
  }
  output.line(`Instance ${typed} acquired no IP`);
  if (found?.record) {
    const { state, fault } = found.record;
    output.note(`eschedule: its state is ${state}${fault ? `: ${fault.message}` : ''}`);
  }
  return EXIT_CODES.failed;
};
