import { parseJson } from '@etcd-compute/common/parse-json';
import { expect, test } from 'vitest';
import { z } from 'zod';

test('parseJson: what fits the schema; undefined for anything else', () => {
  const schema = z.object({ a: z.int() });
  expect(parseJson(schema, '{"a": 1}')).toEqual({ a: 1 });
  for (const text of ['', '{', 'null', '{"a": "1"}', '[]']) expect(parseJson(schema, text)).toBeUndefined();
});
