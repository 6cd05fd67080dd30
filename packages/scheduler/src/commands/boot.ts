import type { BootOptions as CloudBootOptions, Booted } from '@etcd-compute/cloud/boot/boot';
import { EXIT_CODES } from '../exit-code.js';
import { createEventPrinter } from '../output/events.js';
import { instanceShape } from '../output/instance-shape.js';
import type { Output } from '../output/output.js';
import type { CommandContext } from './context.js';
import { throwFirst } from './print-changed.js';

export interface BootOptions extends Pick<
  CloudBootOptions,
  'user' | 'want' | 'name' | 'image' | 'checksum' | 'addDisks' | 'networks' | 'guest' | 'count' | 'strategy' | 'retries'
> {
  readonly isWaiting: boolean;
  readonly timeoutSeconds: number;
}

export const boot = async (context: CommandContext, options: BootOptions): Promise<number> => {
  const { cloud, output, interruption } = context;
  const { isWaiting, timeoutSeconds, ...wanted } = options;
  const print = createEventPrinter(output);
  const uuids: string[] = [];
  interruption.describe = () => goingOn(uuids);
  const { booted, errors } = await cloud.boot({
    ...wanted,
    waitMs: isWaiting ? timeoutSeconds * 1000 : undefined,
    tellsDownloads: output.showsProgress,
    signal: interruption.signal,
    onEvent: (event) => {
      if (event.type === 'placed') uuids.push(event.instance);
      print(event);
    },
  });
  for (const one of booted) remark(output, one);
  const views = booted.map(({ instance }) => instance);
  const [only] = views;
  // One that was not counted is shown as one and not as an array.
  if (options.count !== undefined) await output.list(views, instanceShape);
  else if (only) await output.one(only, instanceShape);
  performance.mark('eschedule:printed');
  throwFirst(output, errors);
  return EXIT_CODES.done;
};

const goingOn = (uuids: readonly string[]): string => {
  const [first] = uuids;
  if (first === undefined) return 'nothing has been placed';
  const all = uuids.join(' ');
  return uuids.length === 1
    ? `the boot of instance ${first} goes on: see \`eschedule show ${first}\`, or stop it with \`eschedule destroy ${first}\``
    : `the boot of ${uuids.length} instances goes on: see \`eschedule list\`, or stop them with \`eschedule destroy ${all}\``;
};

/** Tells of boots that ended well but not as expected. */
const remark = (output: Output, { end, instance: view }: Booted): void => {
  if (end !== 'up') return;
  const name = view.name ?? view.instance;
  if (view.state === 'stopped') output.note(`${name} has stopped already`);
  else if (view.addresses.length === 0) {
    const asked = Object.entries(view.addressSources ?? {}).map(([source, said]) => `${source}: ${said}`);
    output.note(`${name} runs, but has no address (${asked.join('; ') || 'no source was asked'})`);
  }
};
