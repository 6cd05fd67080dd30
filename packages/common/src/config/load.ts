import { readFile } from 'node:fs/promises';
import { isMap, LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import { EcomputeError, toError } from '../errors.js';

export interface LoadConfigOptions<S extends z.ZodType> {
  readonly schema: S;
  /** The YAML file. `isRequired` is for a path that a person named; the default file may be missing. */
  readonly file: { path: string; isRequired: boolean };
  /** `ECOMPUTE` reads `ECOMPUTE_ETCD__HOST` as `etcd.host`. */
  readonly envPrefix: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Values given as flags, under their config path: `{ 'log.level': 'debug' }`. Undefined ones count as not given. */
  readonly flags?: Readonly<Record<string, unknown>>;
}

type Tree = { [key: string]: unknown };

/** Where a value came from: to be named in the problem that it causes. */
type Origins = Map<string, string>;

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

const setPath = (tree: Tree, path: readonly string[], value: unknown): void => {
  const [head = '', ...rest] = path;
  if (rest.length === 0) {
    tree[head] = value;
    return;
  }
  const inner = isTree(tree[head]) ? tree[head] : {};
  tree[head] = inner;
  setPath(inner, rest, value);
};

/** Lines are looked up by the longest part of the path that the file has: a missing key is reported at its parent. */
const lineOf = (document: Document.Parsed, lines: LineCounter, path: readonly PropertyKey[]): number | undefined => {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    const pair = isMap(parent) ? parent.items.find((item) => String(item.key) === String(key)) : undefined;
    const node = pair?.key ?? document.getIn(path.slice(0, length), true);
    const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
    if (Array.isArray(range) && typeof range[0] === 'number') return lines.linePos(range[0]).line;
  }
  return undefined;
};

const readYaml = async ({ path, isRequired }: { path: string; isRequired: boolean }): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (!isRequired && toError(cause).message.includes('ENOENT')) return undefined;
    throw new EcomputeError('ECOMPUTE_CONFIG_UNREADABLE', `could not read the config ${path}`, {
      cause,
      hint: 'check the path given with --config, and that you may read it',
    });
  }
};

/** `inventory.vcpu` as the schema spells it: `inventory.VCPU`. Keys that it does not know stay as they are. */
const spellPath = (jsonSchema: unknown, [head, ...rest]: readonly string[]): string[] => {
  if (head === undefined) return [];
  const properties = isTree(jsonSchema) && isTree(jsonSchema['properties']) ? jsonSchema['properties'] : {};
  const key = Object.keys(properties).find((known) => known.toLowerCase() === head) ?? head;
  return [key, ...spellPath(properties[key], rest)];
};

interface EnvTarget {
  readonly schema: z.ZodType;
  readonly tree: Tree;
  readonly origins: Origins;
}

/** An environment value is text; `true`, `8`, `[a, b]` mean what they mean in YAML. */
const readEnv = (env: NodeJS.ProcessEnv, prefix: string, { schema, tree, origins }: EnvTarget): void => {
  const ours = Object.entries(env).filter(([name]) => name.startsWith(`${prefix}_`));
  if (ours.length === 0) return;
  const jsonSchema = schema.toJSONSchema({ io: 'input', unrepresentable: 'any' });
  for (const [name, text] of ours) {
    if (text === undefined) continue;
    const lowered = name.slice(prefix.length + 1).toLowerCase();
    const path = spellPath(jsonSchema, lowered.split('__'));
    setPath(tree, path, parseDocument(text).toJS());
    origins.set(path.join('.'), `environment ${name}`);
  }
};

const SECRET_KEYS: readonly unknown[] = ['password', 'token'];

/** The wrong value, unless it is a secret, or may hold one: a rule about a section has all of the section as its input. */
const quote = ({ input, path }: z.core.$ZodIssue): string => {
  const isPlain = ['string', 'number', 'boolean'].includes(typeof input) || input === null;
  return isPlain && !SECRET_KEYS.includes(path.at(-1)) ? ` (got ${JSON.stringify(input)})` : '';
};

const expandIssues = (issues: readonly z.core.$ZodIssue[]): { path: PropertyKey[]; message: string }[] =>
  issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'unknown key' }));
    return [{ path: [...issue.path], message: `${issue.message}${quote(issue)}` }];
  });

/**
 * Loads a config: defaults of the schema, then the file, then the environment, then flags. The only reader of
 * `process.env`.
 *
 * @throws EcomputeError ECOMPUTE_CONFIG_UNREADABLE, or ECOMPUTE_CONFIG_INVALID with every problem at once in
 *   `details.problems`, each `file:line: key: reason`.
 */
export const loadConfig = async <S extends z.ZodType>(options: LoadConfigOptions<S>): Promise<z.output<S>> => {
  const { schema, file, envPrefix, env = process.env, flags = {} } = options;
  const text = await readYaml(file);
  const lines = new LineCounter();
  const document = parseDocument(text ?? '', { lineCounter: lines });
  const problems = document.errors.map(
    (error) => `${file.path}:${error.linePos?.[0].line ?? 1}: ${error.message.split('\n')[0]}`,
  );
  const content: unknown = problems.length > 0 ? {} : (document.toJS() ?? {});
  const tree: Tree = isTree(content) ? content : {};
  if (!isTree(content)) problems.push(`${file.path}:1: expected keys and values, such as "etcd: {host: localhost}"`);

  const origins: Origins = new Map();
  readEnv(env, envPrefix, { schema, tree, origins });
  for (const [path, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    setPath(tree, path.split('.'), value);
    origins.set(path, `flag for ${path}`);
  }

  const parsed = problems.length === 0 ? schema.safeParse(tree, { reportInput: true }) : undefined;
  if (parsed?.success) return parsed.data;
  for (const { path, message } of expandIssues(parsed?.error.issues ?? [])) {
    const key = path.map(String).join('.');
    const line = lineOf(document, lines, path);
    const origin = origins.get(key) ?? (line === undefined ? file.path : `${file.path}:${line}`);
    problems.push(`${origin}: ${key === '' ? '' : `${key}: `}${message}`);
  }
  throw new EcomputeError(
    'ECOMPUTE_CONFIG_INVALID',
    `the config has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n  ${problems.join('\n  ')}`,
    {
      details: { problems },
      hint: 'configs/ in the source has a commented sample of every key',
    },
  );
};

/** Reads a secret from a file, without its final line break. */
export const readSecretFile = async (path: string, key: string): Promise<string> => {
  try {
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
  } catch (cause) {
    throw new EcomputeError('ECOMPUTE_CONFIG_UNREADABLE', `could not read ${path}, named by ${key}`, { cause });
  }
};
