import { badRequest } from '../../../http/http-error.js';

/*
 * Clients filter by regular expressions. JavaScript's take time without bounds for some of them, so this is a part of them that takes time by
 * the product of both lengths: characters, `.`, `\x`, classes, each with `*`, `+` or `?`, and `^` and `$` at the ends.
 */

interface Atom {
  readonly matches: (character: string) => boolean;
  readonly isOptional: boolean;
  readonly isRepeated: boolean;
}

const MAX_LENGTH = 255;
const TOKEN = /\\(.)|\[(\^?)((?:\\.|[^\]\\])+)\]|([^\\[\](){}|*+?^$])|([*+?])/suy;

/** @returns whether some part of a text is as the pattern says, in any letter case. @throws HttpError 400. */
export const createMatcher = (pattern: string): ((text: string) => boolean) => {
  if (pattern.length > MAX_LENGTH) throw badRequest(`A pattern has at most ${MAX_LENGTH} characters.`);
  const isAtStart = pattern.startsWith('^');
  const isAtEnd = /(?<!\\)\$$/.test(pattern);
  const atoms = parse(pattern.slice(isAtStart ? 1 : 0, isAtEnd ? -1 : undefined).toLowerCase());
  return (text) => {
    const characters = text.toLowerCase();
    let states = skipOptional(atoms, new Set([0]));
    if (!isAtEnd && states.has(atoms.length)) return true;
    for (const character of characters) {
      const next = new Set<number>(isAtStart ? [] : [0]);
      for (const state of states) {
        const atom = atoms[state];
        if (!atom?.matches(character)) continue;
        next.add(state + 1);
        if (atom.isRepeated) next.add(state);
      }
      states = skipOptional(atoms, next);
      if (!isAtEnd && states.has(atoms.length)) return true;
    }
    return states.has(atoms.length);
  };
};

/** A repeated atom that has matched may go on, so `+` is one that must match, and then one that may. */
const parse = (pattern: string): readonly Atom[] => {
  const atoms: Atom[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < pattern.length) {
    const token = TOKEN.exec(pattern);
    if (!token)
      throw badRequest('A pattern may have characters, dots, classes, *, +, ?, ^ and $: no groups and counts.');
    const [, escaped, not, members, character, times] = token;
    if (times === undefined) {
      atoms.push({ matches: matcherOf({ escaped, not, members, character }), isOptional: false, isRepeated: false });
      continue;
    }
    const last = atoms.pop();
    if (!last) throw badRequest('A pattern cannot begin with *, + or ?.');
    if (times === '+') atoms.push(last, { ...last, isOptional: true, isRepeated: true });
    else atoms.push({ ...last, isOptional: true, isRepeated: last.isRepeated || times === '*' });
  }
  return atoms;
};

const SHORTHANDS: Readonly<Record<string, RegExp>> = { d: /\d/, w: /\w/, s: /\s/ };

const matcherOf = ({
  escaped,
  not,
  members,
  character,
}: Record<'escaped' | 'not' | 'members' | 'character', string | undefined>): Atom['matches'] => {
  if (escaped !== undefined) {
    const shorthand = SHORTHANDS[escaped];
    return shorthand ? (one) => shorthand.test(one) : (one) => one === escaped;
  }
  if (members !== undefined) return createClass(members, not === '^');
  return character === '.' ? () => true : (one) => one === character;
};

const createClass = (members: string, isNegated: boolean): Atom['matches'] => {
  const ranges = [...members.matchAll(/\\?(.)(?:-\\?(.))?/gsu)].map(([, from = '', to = from]) => [from, to] as const);
  return (one) => ranges.some(([from, to]) => one >= from && one <= to) !== isNegated;
};

const skipOptional = (atoms: readonly Atom[], states: ReadonlySet<number>): Set<number> => {
  const all = new Set(states);
  // What is added while a set is walked is walked too.
  for (const state of all) if (atoms[state]?.isOptional) all.add(state + 1);
  return all;
};
