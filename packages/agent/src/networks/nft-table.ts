/* nftables tables as this agent wants them: rendered as text for `nft`, and compared with those in place. Pure. */

/** One value of an element. A number stands for raw bytes of a packet. */
export type Value = string | bigint;
export type Element = readonly Value[];

export interface NamedSet {
  /** Such as `type ifname . ether_addr;`. */
  readonly definition: string;
  readonly elements: readonly Element[];
}

export interface Chain {
  /** Such as `type filter hook input priority 0; policy accept;`. Missing: others jump to it. */
  readonly hook?: string;
  readonly rules: readonly string[];
}

export interface Table {
  readonly family: 'arp' | 'bridge' | 'inet';
  readonly name: string;
  readonly sets: Readonly<Record<string, NamedSet>>;
  readonly chains: Readonly<Record<string, Chain>>;
}

/** A table as `nft` lists it. */
export interface SeenTable {
  /** The elements of each set, as `elementKey` writes them. */
  readonly sets: ReadonlyMap<string, ReadonlySet<string>>;
  /** How many rules each chain has. */
  readonly chains: ReadonlyMap<string, number>;
}

const renderValue = (value: Value): string => {
  if (typeof value === 'bigint') return `0x${value.toString(16)}`;
  // The names of interfaces are quoted; addresses must not be.
  return /^[0-9a-f]*[:.][0-9a-f:./]*$/i.test(value) ? value : `"${value}"`;
};

const renderElement = (element: Element): string => element.map(renderValue).join(' . ');

export const elementKey = (element: Element): string => element.map(String).join(' . ');

const braces = (elements: readonly Element[]): string => `{ ${elements.map(renderElement).join(', ')} }`;

const renderSet = ([name, { definition, elements }]: [string, NamedSet]): string =>
  `  set ${name} { ${definition}${elements.length > 0 ? ` elements = ${braces(elements)};` : ''} }`;

const renderChain = ([name, { hook, rules }]: [string, Chain]): string =>
  [`  chain ${name} {`, ...[...(hook === undefined ? [] : [hook]), ...rules].map((line) => `    ${line}`), '  }'].join(
    '\n',
  );

/** Repeatable. */
export const renderRemoval = ({ family, name }: Pick<Table, 'family' | 'name'>): string =>
  `add table ${family} ${name}\ndelete table ${family} ${name}\n`;

/** Adds a table that does not exist. */
export const renderTable = ({ family, name, sets, chains }: Table): string => {
  const body = [...Object.entries(sets).map(renderSet), ...Object.entries(chains).map(renderChain)];
  return `table ${family} ${name} {\n${body.join('\n')}\n}\n`;
};

/** Turns the existing table `before` into `after`, which has the same sets and chains. Repeatable: elements to remove may be gone already. */
export const renderChange = (before: Table, after: Table): string => {
  const { family, name } = after;
  const line = (verb: 'add' | 'delete', set: string, elements: readonly Element[]): string =>
    elements.length === 0 ? '' : `${verb} element ${family} ${name} ${set} ${braces(elements)}\n`;
  return Object.entries(after.sets)
    .map(([set, { elements }]) => {
      const old = before.sets[set]?.elements ?? [];
      const [oldKeys, keys] = [old, elements].map((list) => new Set(list.map(elementKey)));
      const gone = old.filter((element) => !keys?.has(elementKey(element)));
      const come = elements.filter((element) => !oldKeys?.has(elementKey(element)));
      return line('add', set, gone) + line('delete', set, gone) + line('add', set, come);
    })
    .join('');
};

/** Counts the rules instead of comparing them: `nft` prints them differently from its input. */
export const isSameTable = (wanted: Table, seen: SeenTable | undefined): boolean => {
  if (seen === undefined) return false;
  const hasSets = Object.entries(wanted.sets).every(([name, { elements }]) => {
    const there = seen.sets.get(name);
    return there?.size === elements.length && elements.every((element) => there.has(elementKey(element)));
  });
  return hasSets && Object.entries(wanted.chains).every(([name, { rules }]) => seen.chains.get(name) === rules.length);
};

/** Whether the rules are the same in both lists of tables, whatever their elements. */
export const haveSameRules = (some: readonly Table[], others: readonly Table[]): boolean =>
  JSON.stringify(some.map(({ chains }) => chains)) === JSON.stringify(others.map(({ chains }) => chains));
