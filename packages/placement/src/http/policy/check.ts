import type { Caller } from '../caller.js';

/** Whose the thing is that something is done to. */
export interface PolicyTarget {
  readonly project_id: string | undefined;
  readonly user_id?: string | undefined;
}

export interface CheckInput {
  readonly caller: Caller;
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
  const values: Readonly<Record<string, string | undefined>> = { ...target };
  const filled = text.replaceAll(/%\(([^)]*)\)s/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) isComplete = false;
    return value ?? '';
  });
  return isComplete ? filled : undefined;
};

const valueOf = (kind: string, caller: Caller): string | undefined => {
  const [, quoted] = /^(?:'(.*)'|"(.*)")$/s.exec(kind)?.filter((part) => part !== undefined) ?? [];
  if (quoted !== undefined) return quoted;
  if (/^(True|False|None|\d+)$/.test(kind)) return kind;
  const attributes: Readonly<Record<string, string | undefined>> = {
    user_id: caller.userId,
    project_id: caller.projectId,
    tenant: caller.projectId,
    system: caller.systemScope,
    system_scope: caller.systemScope,
  };
  return attributes[kind];
};
