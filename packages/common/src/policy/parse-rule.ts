import { allOf, anyOf, readCheck, type Check } from './check.js';

/**
 * Reads the rule language of oslo.policy: checks with `not`, `and`, `or` between them, in this order of strength, and parentheses. An empty
 * rule lets everybody. https://docs.openstack.org/oslo.policy/latest/admin/policy-yaml-file.html
 *
 * @throws SyntaxError.
 */
export const parseRule = (rule: string): Check => {
  const tokens = splitRule(rule);
  if (tokens.length === 0) return () => true;
  let at = 0;

  const isNext = (word: string): boolean => tokens[at]?.toLowerCase() === word;
  const take = (word: string): boolean => {
    const isThere = isNext(word);
    if (isThere) at += 1;
    return isThere;
  };
  const fail = (): never => {
    throw new SyntaxError(
      `could not read the rule ${JSON.stringify(rule)} near ${JSON.stringify(tokens[at] ?? 'its end')}`,
    );
  };

  const readOr = (): Check => {
    const checks = [readAnd()];
    while (take('or')) checks.push(readAnd());
    return anyOf(checks);
  };
  const readAnd = (): Check => {
    const checks = [readNot()];
    while (take('and')) checks.push(readNot());
    return allOf(checks);
  };
  const readNot = (): Check => {
    if (!take('not')) return readOne();
    const check = readNot();
    return (input) => !check(input);
  };
  const readOne = (): Check => {
    if (take('(')) {
      const check = readOr();
      return take(')') ? check : fail();
    }
    const check = readCheck(tokens[at] ?? '') ?? fail();
    at += 1;
    return check;
  };

  const check = readOr();
  return at === tokens.length ? check : fail();
};

/** Words, and parentheses that are not those of a `%(name)s`. */
const splitRule = (rule: string): readonly string[] =>
  rule.match(/(?:%\([^)]*\)s|'[^']*'|"[^"]*"|[^\s()])+|[()]/g) ?? [];
