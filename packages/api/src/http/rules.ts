import type { Check, Credentials, PolicyTarget } from '@etcd-compute/common/policy/check';
import { parseRule } from '@etcd-compute/common/policy/parse-rule';
import type { Caller } from './caller.js';

/** Whether a caller may do what a rule guards. */
export type Allows = (rule: string, caller: Caller, target: PolicyTarget) => boolean;

/** @throws SyntaxError when a rule cannot be read; it is not found out later that one is missing: see `hasRule`. */
export const createRules = (
  rules: Readonly<Record<string, string>>,
): { readonly allows: Allows; readonly hasRule: (rule: string) => boolean } => {
  const checks = new Map<string, Check>(Object.entries(rules).map(([name, rule]) => [name, parseRule(rule)]));
  const allows: Allows = (rule, caller, target) => {
    const input = {
      caller: credentialsOf(caller),
      target,
      // A rule that there is not lets nobody.
      applyRule: (name: string): boolean => checks.get(name)?.(input) ?? false,
    };
    return input.applyRule(rule);
  };
  return { allows, hasRule: (rule) => checks.has(rule) };
};

const credentialsOf = (caller: Caller): Credentials => ({
  roles: caller.roles,
  attributes: {
    user_id: caller.userId,
    'user.domain_id': caller.userDomainId,
    project_id: caller.projectId,
    project_domain_id: caller.projectDomainId,
    domain_id: caller.domainId,
    system_scope: caller.isSystem ? 'all' : undefined,
    scope: scopeOf(caller),
  },
});

const scopeOf = ({ projectId, domainId, isSystem }: Caller): string => {
  if (isSystem) return 'system';
  if (projectId !== undefined) return 'project';
  return domainId === undefined ? 'none' : 'domain';
};
