import type { Caller } from '../caller.js';
import { anyOf, type Check, type Credentials, type PolicyTarget } from '@etcd-compute/common/policy/check';
import { parseRule } from '@etcd-compute/common/policy/parse-rule';
import { POLICY_RULES } from './rules.js';

export interface PolicyConfig {
  /** Only what the rules say now lets somebody in, not also what they said before. */
  readonly enforceNewDefaults: boolean;
  /** Tokens of the whole system are not taken for what is a project's. */
  readonly enforceScope: boolean;
  /** The operator's own rules, by name, in the rule language: as in a policy.yaml. */
  readonly rules: Readonly<Record<string, string>>;
}

export const POLICY_DEFAULTS: PolicyConfig = { enforceNewDefaults: false, enforceScope: true, rules: {} };

export interface Policy {
  /** Whether a caller may do what a rule guards. A rule that there is not lets nobody. */
  readonly allows: (rule: string, caller: Caller, target?: PolicyTarget) => boolean;
}

/** @throws SyntaxError when a rule cannot be read. */
export const createPolicy = ({ enforceNewDefaults, enforceScope, rules }: PolicyConfig): Policy => {
  const checks = new Map<string, Check>();
  for (const { name, check, formerCheck } of POLICY_RULES) {
    const isWidened = formerCheck !== undefined && !enforceNewDefaults;
    checks.set(name, isWidened ? anyOf([parseRule(check), parseRule(formerCheck)]) : parseRule(check));
  }
  for (const [name, rule] of Object.entries(rules)) checks.set(name, parseRule(rule));
  const scoped = new Set(POLICY_RULES.filter(({ isProjectScoped }) => isProjectScoped).map(({ name }) => name));

  return {
    allows: (rule, caller, target) => {
      if (enforceScope && caller.systemScope && scoped.has(rule)) return false;
      const input = {
        caller: credentialsOf(caller),
        target: target ?? { project_id: caller.projectId, user_id: caller.userId },
        applyRule: (name: string): boolean => (checks.get(name) ?? checks.get('default'))?.(input) ?? false,
      };
      return input.applyRule(rule);
    },
  };
};

const credentialsOf = ({ roles, userId, projectId, systemScope }: Caller): Credentials => ({
  roles,
  attributes: {
    user_id: userId,
    project_id: projectId,
    tenant: projectId,
    system: systemScope,
    system_scope: systemScope,
  },
});
