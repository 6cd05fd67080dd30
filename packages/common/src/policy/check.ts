/** What there is to say of who asks. */
export interface Credentials {
  readonly roles: readonly string[];
  /** `user_id`, `project_id`, ... */
  readonly attributes: Readonly<Record<string, string | undefined>>;
}

/** What there is to say of the thing that something is done to, such as whose it is. */
export type PolicyTarget = Readonly<Record<string, string | undefined>>;

export interface CheckInput {
  readonly caller: Credentials;
  readonly target: PolicyTarget;
  /** Another rule, by its name. A rule that there is not lets nobody. */
  readonly applyRule: (name: string) => boolean;
}

/** Says whether a caller may. */
export type Check = (input: CheckInput) => boolean;

export const anyOf =
  (checks: readonly Check[]): Check =>
  (input) =>
    checks.some((check) => check(input));

export const allOf =
  (checks: readonly Check[]): Check =>
  (input) =>
    checks.every((check) => check(input));

/** @param text `@` everybody, `!` nobody, `role:ROLE`, `rule:NAME`, or `ATTRIBUTE:VALUE`, where an attribute is the caller's. */
export const readCheck = (text: string): Check | undefined => {
  if (text === '@') return () => true;
  if (text === '!') return () => false;
  const [, kind, match] = /^('[^']*'|"[^"]*"|[^:]+):(.*)$/s.exec(text) ?? [];
  if (kind === undefined || match === undefined) return undefined;
  if (kind === 'rule') return ({ applyRule }) => applyRule(match);
  if (kind === 'role')
    return ({ caller, target }) => {
      const role = fillIn(match, target)?.toLowerCase();
      return caller.roles.some((held) => held.toLowerCase() === role);
    };
  return ({ caller, target }) => valueOf(kind, caller) === (fillIn(match, target) ?? NaN);
};

/** Puts what the target has in place of `%(name)s`; undefined when it has none such. */
const fillIn = (text: string, target: PolicyTarget): string | undefined => {
  let isComplete = true;
  const filled = text.replaceAll(/%\(([^)]*)\)s/g, (_, name: string) => {
    const value = target[name];
    if (value === undefined) isComplete = false;
    return value ?? '';
  });
  return isComplete ? filled : undefined;
};

const valueOf = (kind: string, { attributes }: Credentials): string | undefined => {
  const [, quoted] = /^(?:'(.*)'|"(.*)")$/s.exec(kind)?.filter((part) => part !== undefined) ?? [];
  if (quoted !== undefined) return quoted;
  if (/^(True|False|None|\d+)$/.test(kind)) return kind;
  return attributes[kind];
};
