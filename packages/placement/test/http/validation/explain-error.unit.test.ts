import { createValidator } from '@etcd-compute/placement/http/validation/validator';
import { describe, expect, test } from 'vitest';

const explain = (schema: Record<string, unknown>, document: unknown): string | undefined =>
  createValidator()(schema)(document);

const inventory = {
  type: 'object',
  properties: { total: { type: 'integer', minimum: 1 }, unit: { type: 'string' } },
  required: ['total'],
  additionalProperties: false,
};

describe('a document that does not fit', () => {
  test('is explained as Python explains it, with the places in the schema and in the document', () => {
    expect(explain({ type: 'object', properties: { VCPU: inventory } }, { VCPU: { total: 0 } })).toBe(
      [
        '0 is less than the minimum of 1',
        '',
        "Failed validating 'minimum' in schema['properties']['VCPU']['properties']['total']:",
        "    {'minimum': 1, 'type': 'integer'}",
        '',
        "On instance['VCPU']['total']:",
        '    0',
      ].join('\n'),
    );
  });

  test('names all that is too much in one sentence', () => {
    expect(explain(inventory, { total: 1, b: 1, a: 1 })).toMatch(
      /^Additional properties are not allowed \('a', 'b' were unexpected\)\n/,
    );
    const byPattern = { type: 'object', patternProperties: { '^b': {}, '^a/': {} }, additionalProperties: false };
    expect(explain(byPattern, { c: 1 })).toMatch(/^'c' does not match any of the regexes: '\^a\/', '\^b'\n/);
  });

  test('is explained by what is wrong nearest to its top', () => {
    expect(explain(inventory, { total: 'many', unit: 1, more: true })).toMatch(/^Additional properties/);
  });

  test('of two rules, the one that stands first in the schema tells', () => {
    expect(explain({ required: ['a'], type: 'object', additionalProperties: false }, { b: 1 })).toMatch(
      /^'a' is a required property/,
    );
    expect(explain({ additionalProperties: false, type: 'object', required: ['a'] }, { b: 1 })).toMatch(
      /^Additional properties/,
    );
  });

  test('that fits none of several alternatives is compared with the one of its type', () => {
    const uuidOrNull = { anyOf: [{ type: 'string', format: 'uuid' }, { type: 'null' }] };
    expect(explain(uuidOrNull, 'x')).toMatch(/^'x' is not a 'uuid'\n\nFailed validating 'format' in schema\[0\]:\n/);
    expect(explain(uuidOrNull, 1)).toMatch(/^1 is not valid under any of the given schemas\n/);
    expect(explain(uuidOrNull, 'DE305D54-75B4-431B-ADB2-EB6B9E546014')).toBeUndefined();
  });

  test('is quoted as Python writes values', () => {
    expect(explain({ type: 'integer' }, { a: [null, true, "it's", 'a"\'\n'] })).toMatch(
      /^\{'a': \[None, True, "it's", 'a"\\'\\n'\]\} is not of type 'integer'\n/,
    );
  });
});
