import {
  elementKey,
  haveSameRules,
  isSameTable,
  renderChange,
  renderTable,
  type Element,
  type SeenTable,
  type Table,
} from '@etcd-compute/agent/networks/nft-table';
import { describe, expect, test } from 'vitest';

const aTable = (...elements: readonly Element[]): Table => ({
  family: 'bridge',
  name: 'ecompute-x',
  sets: { macs: { definition: 'type ifname . ether_addr;', elements } },
  chains: { one: { hook: 'type filter hook input priority 0;', rules: ['accept', 'drop'] }, two: { rules: ['drop'] } },
});
const A: Element = ['ec0', '52:54:00:00:00:01'];
const B: Element = ['ec1', '52:54:00:00:00:02'];

test('a table as text for nft: names of interfaces are quoted, numbers are hexadecimal', () => {
  expect(renderTable(aTable(A, ['ec1', 0x52_54_00n]))).toBe(
    [
      'table bridge ecompute-x {',
      '  set macs { type ifname . ether_addr; elements = { "ec0" . 52:54:00:00:00:01, "ec1" . 0x525400 }; }',
      '  chain one {',
      '    type filter hook input priority 0;',
      '    accept',
      '    drop',
      '  }',
      '  chain two {',
      '    drop',
      '  }',
      '}',
      '',
    ].join('\n'),
  );
});

describe('renderChange', () => {
  test('what is to go is added first, because nft refuses to delete what is not there', () => {
    expect(renderChange(aTable(A), aTable(B))).toBe(
      [
        'add element bridge ecompute-x macs { "ec0" . 52:54:00:00:00:01 }',
        'delete element bridge ecompute-x macs { "ec0" . 52:54:00:00:00:01 }',
        'add element bridge ecompute-x macs { "ec1" . 52:54:00:00:00:02 }',
        '',
      ].join('\n'),
    );
  });

  test('what stays is not touched', () => {
    expect(renderChange(aTable(A, B), aTable(A, B))).toBe('');
  });
});

describe('isSameTable', () => {
  const seen = (elements: readonly Element[], ...chains: readonly (readonly [string, number])[]): SeenTable => ({
    sets: new Map([['macs', new Set(elements.map(elementKey))]]),
    chains: new Map(chains),
  });
  const ONE = ['one', 2] as const;
  const TWO = ['two', 1] as const;

  test.each([
    ['is the same', seen([A, B], ONE, TWO), true],
    ['is gone', undefined, false],
    ['lacks an element', seen([A], ONE, TWO), false],
    ['has another element', seen([A, ['ec1', '52:54:00:00:00:03']], ONE, TWO), false],
    ['has one element more', seen([A, B, ['ec2', 'x']], ONE, TWO), false],
    ['lacks a rule', seen([A, B], ['one', 1], TWO), false],
    ['lacks a chain', seen([A, B], ONE), false],
    ['lacks its set', { ...seen([], ONE, TWO), sets: new Map() }, false],
  ])('one that %s', (_what, there, isSame) => {
    expect(isSameTable(aTable(A, B), there)).toBe(isSame);
  });
});

test('haveSameRules: a rule for another bridge is another rule, an element is none', () => {
  const [one] = [aTable(A)];
  expect(haveSameRules([one], [aTable(A, B)])).toBe(true);
  expect(haveSameRules([one], [{ ...one, chains: { ...one.chains, two: { rules: ['iifname "virbr1" drop'] } } }])).toBe(
    false,
  );
});
