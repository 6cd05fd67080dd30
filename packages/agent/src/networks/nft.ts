import { EcomputeError } from '@etcd-compute/common/errors';
import { z } from 'zod';
import { runHostCommand } from './host-command.js';
import { elementKey, type Element, type SeenTable, type Table, type Value } from './nft-table.js';

/** The program `nft`: changes and reads the packet filter of this process's network namespace. */

const messageOf = (cause: unknown): string =>
  cause instanceof Error && 'stderr' in cause ? `${String(cause.stderr)} ${cause.message}` : String(cause);

const hintOf = (cause: unknown): string => {
  const text = messageOf(cause);
  if (/ENOENT|nft: not found/.test(text)) return 'install nftables; or set network.filter to none';
  if (/Operation not permitted/.test(text))
    return 'run ecompute as root, or with CAP_NET_ADMIN as an ambient capability; or set network.filter to none';
  return 'nft says why; it needs nftables 1.0.6 and Linux 5.10 or later; without them, set network.filter to none';
};

const filterFailed = (what: string, cause: unknown): EcomputeError =>
  new EcomputeError('ECOMPUTE_FILTER_FAILED', `could not ${what} the packet filter of the guests’ network`, {
    cause,
    retryable: true,
    hint: hintOf(cause),
  });

/** Applies all changes of the text, or none. @throws ECOMPUTE_FILTER_FAILED */
export const applyChanges = async (text: string): Promise<void> => {
  if (text === '') return;
  try {
    // The pipe is cat's: nft cannot open its standard input when that is a socket, as Node makes it.
    await runHostCommand(['sh', '-c', 'cat | nft -f -'], { input: text });
  } catch (cause) {
    throw filterFailed('set', cause);
  }
};

const valueSchema = z.union([
  z.string().transform((text): Value => (/^0x[0-9a-f]+$/.test(text) ? BigInt(text) : text)),
  z.int().transform((number): Value => BigInt(number)),
  z
    .object({ prefix: z.object({ addr: z.string(), len: z.int() }) })
    .transform(({ prefix }): Value => `${prefix.addr}/${prefix.len}`),
]);
const elementSchema = z.union([
  z.object({ concat: z.array(valueSchema) }).transform(({ concat }): Element => concat),
  valueSchema.transform((value): Element => [value]),
]);
const listSchema = z.object({
  nftables: z.array(
    z.object({
      set: z.object({ name: z.string(), elem: z.array(z.unknown()).default([]) }).optional(),
      chain: z.object({ name: z.string() }).optional(),
      rule: z.object({ chain: z.string() }).optional(),
    }),
  ),
});

/** Elements of others may have forms that we do not use. */
const keyOf = (element: unknown): string => {
  const parsed = elementSchema.safeParse(element);
  return parsed.success ? elementKey(parsed.data) : JSON.stringify(element);
};

/** What `nft -j list table` prints. */
export const parseTable = (text: string): SeenTable => {
  const { nftables } = listSchema.parse(JSON.parse(text));
  const chains = new Map(nftables.flatMap(({ chain }) => (chain ? [[chain.name, 0]] : [])));
  for (const { rule } of nftables) if (rule) chains.set(rule.chain, (chains.get(rule.chain) ?? 0) + 1);
  const sets = new Map(nftables.flatMap(({ set }) => (set ? [[set.name, new Set(set.elem.map(keyOf))] as const] : [])));
  return { chains, sets };
};

/** @returns undefined when there is no such table. @throws ECOMPUTE_FILTER_FAILED */
export const findTable = async ({ family, name }: Pick<Table, 'family' | 'name'>): Promise<SeenTable | undefined> => {
  try {
    return parseTable(await runHostCommand(['nft', '-j', 'list', 'table', family, name]));
  } catch (cause) {
    if (/No such file or directory/.test(messageOf(cause)) && !/ENOENT/.test(messageOf(cause))) return undefined;
    throw filterFailed('read', cause);
  }
};
