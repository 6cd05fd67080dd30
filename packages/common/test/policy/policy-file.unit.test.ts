import { parsePolicyFile } from '@etcd-compute/common/policy/policy-file';
import { expect, test } from 'vitest';

test('a policy file gives rules by name; one that says nothing gives none', () => {
  expect(parsePolicyFile('"placement:usages": "role:reader" # all of them\nadmin_api: "@"\n', 'policy.yaml')).toEqual({
    'placement:usages': 'role:reader',
    admin_api: '@',
  });
  expect(parsePolicyFile('# nothing yet\n', 'policy.yaml')).toEqual({});
});

test.each([
  ['"placement:usages": "role:reader and"', 'the rule of placement:usages is wrong'],
  ['"placement:usages": [["role:reader"]]', 'the rule of placement:usages is not a text'],
  ['- a', 'not a list of names'],
  ['a: "', 'could not read policy.yaml'],
])('%s is refused', (text, reason) => {
  expect(() => parsePolicyFile(text, 'policy.yaml')).toThrow(reason);
});
