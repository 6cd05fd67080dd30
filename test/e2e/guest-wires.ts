/**
 * A hypervisor's network without guests: a bridge, and wires into network namespaces that stand for guests, each plugged in by a port of the
 * name that a guest's has. All of it is on a machine of its own, and goes with it.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Machine } from './machine.js';

const PRINT_FILTER = fileURLToPath(new URL('print-filter.mjs', import.meta.url));
const FRAMES = fileURLToPath(new URL('frames.py', import.meta.url));

export interface Wire {
  /** The network namespace at its other end, where the interface is `eth0`. */
  readonly netns: string;
  /** On the bridge. */
  readonly port: string;
  readonly mac: string;
}

/** Runs lines of a shell there, until one fails. */
export const runLines = async (machine: Machine, ...lines: readonly string[]): Promise<string> =>
  (await machine.run(['sh', '-ec', lines.join('\n')], { timeoutMs: 60_000 })).stdout;

export const layWire = async (machine: Machine, { netns, port, mac }: Wire, bridge: string): Promise<void> => {
  await runLines(
    machine,
    `ip netns add ${netns}`,
    `ip link add ${port} type veth peer name eth0 netns ${netns}`,
    // What it sends is what the test says, and nothing of the kernel's own.
    `ip -n ${netns} link set eth0 address ${mac} addrgenmode none`,
    `ip link set ${port} addrgenmode none`,
    // Without learning, every frame goes to every port that the rules let it go to, whatever lies came before.
    `ip link set ${port} master ${bridge} up`,
    `bridge link set dev ${port} learning off`,
    `ip -n ${netns} link set lo up`,
    `ip -n ${netns} link set eth0 up`,
  );
};

/** Puts the packet filter of a config in place, in place of all that is there. */
export const putFilter = async (
  machine: Machine,
  { config, ports, bridge }: { config: unknown; ports: readonly unknown[]; bridge: string },
): Promise<void> => {
  const argv = [process.execPath, PRINT_FILTER, JSON.stringify(config), JSON.stringify(ports), bridge];
  const { stdout } = await machine.run(argv);
  const path = join(machine.dir, 'rules.nft');
  await writeFile(path, `flush ruleset\n${stdout}`);
  await machine.run(['nft', '-f', path]);
};

const inNetns = (netns: string | undefined, argv: readonly string[]): string[] =>
  netns === undefined ? [...argv] : ['ip', 'netns', 'exec', netns, ...argv];

/** A place where frames can be sent and heard. */
export interface Place {
  readonly name: string;
  /** Missing: the machine's own. */
  readonly netns?: string;
  readonly device: string;
}

export const send = async (machine: Machine, { netns, device }: Place, frames: readonly Buffer[]): Promise<void> => {
  await machine.run(
    inNetns(netns, ['python3', FRAMES, 'send', device, ...frames.map((frame) => frame.toString('hex'))]),
  );
};

/** Listens from now on. @returns what waits for a frame with `last` in it, and gives all that came, as hexadecimal text. */
export const listen = async (
  machine: Machine,
  { netns, device }: Place,
  last: Buffer,
): Promise<() => Promise<string[]>> => {
  const running = machine.start(inNetns(netns, ['python3', FRAMES, 'listen', device, last.toString('hex')]));
  await running.waitForOutput('ready');
  return async () => {
    await running.waitForOutput(last.toString('hex'));
    return running.output().trim().split('\n').slice(1);
  };
};

/**
 * Sends frames, each followed by the same legal one, by which the listeners know what belongs to which.
 *
 * @param separator makes the legal one, with these words in it.
 * @returns for each frame, which listeners got it.
 */
export const sendApart = async (
  machine: Machine,
  frames: readonly Buffer[],
  { by, at, separator }: { by: Place; at: readonly Place[]; separator: (words: Buffer) => Buffer },
): Promise<string[][]> => {
  const [between, last] = [separator(Buffer.from('between')), Buffer.from('the last')];
  const ends = await Promise.all(at.map(async (place) => listen(machine, place, last)));
  await send(machine, by, [...frames.flatMap((frame) => [frame, between]), separator(last)]);
  const heard = await Promise.all(ends.map(async (end) => splitAt(await end(), between.toString('hex'))));
  return frames.map((frame, index) =>
    at.flatMap(({ name }, place) =>
      heard[place]?.[index]?.some((got) => isSameFrame(got, frame)) === true ? [name] : [],
    ),
  );
};

const splitAt = (lines: readonly string[], separator: string): string[][] => {
  const lists: string[][] = [[]];
  for (const line of lines) {
    if (line.startsWith(separator)) lists.push([]);
    else lists.at(-1)?.push(line);
  }
  return lists;
};

/** A listener gets frames without their first tag, and some padded or cut to the length of their packet. */
const isSameFrame = (got: string, sent: Buffer): boolean => {
  const text = sent.toString('hex');
  const forms = [text, text.slice(0, 24) + text.slice(32)];
  return forms.some((form) => got.startsWith(form.slice(0, Math.min(form.length, got.length, 120))));
};
