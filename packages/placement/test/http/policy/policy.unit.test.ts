import { createPolicy, POLICY_DEFAULTS } from '@etcd-compute/placement/http/policy/policy';
import { POLICY_RULES } from '@etcd-compute/placement/http/policy/rules';
import { describe, expect, test } from 'vitest';

const aCaller = (roles: readonly string[], projectId = 'blue') => ({
  userId: 'someone',
  projectId,
  roles,
  systemScope: undefined,
});

const allows = (rule: string, roles: readonly string[], project?: string): boolean =>
  createPolicy({ ...POLICY_DEFAULTS, rules: { it: rule } }).allows('it', aCaller(roles, project), {
    project_id: 'blue',
  });

describe('the rule language', () => {
  test.each([
    ['@', [], true],
    ['', [], true],
    ['!', ['admin'], false],
    ['role:ADMIN', ['admin'], true],
    ['not role:admin', ['admin'], false],
    // `and` binds stronger than `or`.
    ['role:a or role:b and role:c', ['a'], true],
    ['(role:a or role:b) and role:c', ['a'], false],
    ['not (role:a or role:b) and @', ['c'], true],
    ["'blue':%(project_id)s", [], true],
    ['rule:no-such-rule', ['admin'], false],
    ['nonsense:blue', [], false],
    ['user_id:%(no_such)s', [], false],
  ])('%j for %j is %j', (rule, roles, expected) => {
    expect(allows(rule, roles)).toBe(expected);
  });

  test('a reader sees its own project and no other', () => {
    expect(allows('rule:project_reader_api', ['reader'])).toBe(true);
    expect(allows('rule:project_reader_api', ['reader'], 'red')).toBe(false);
  });

  test.each(['role:a role:b', '(role:a', 'role:a and', 'admin'])('%j is refused', (rule) => {
    expect(() => allows(rule, [])).toThrow(SyntaxError);
  });

  test('a rule named default stands in for one that there is not', () => {
    const policy = createPolicy({ ...POLICY_DEFAULTS, rules: { default: 'role:admin' } });
    expect(policy.allows('placement:unheard_of', aCaller(['admin']))).toBe(true);
    expect(policy.allows('placement:unheard_of', aCaller([]))).toBe(false);
  });
});

describe('the rules', () => {
  test('are the 38 of OpenStack Placement, each once', () => {
    expect(new Set(POLICY_RULES.map(({ name }) => name)).size).toBe(38);
  });

  test('an operator’s rule takes away what a former one allowed', () => {
    const policy = createPolicy({ ...POLICY_DEFAULTS, rules: { service_api: 'role:service' } });
    expect(policy.allows('placement:reshaper:reshape', aCaller(['admin']))).toBe(false);
    expect(createPolicy(POLICY_DEFAULTS).allows('placement:reshaper:reshape', aCaller(['admin']))).toBe(true);
  });
});
