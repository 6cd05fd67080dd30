import { createOutput } from '@etcd-compute/scheduler/output/output';
import { renderTransfer } from '@etcd-compute/scheduler/output/transfer';
import { describe, expect, test } from 'vitest';

const transfer = (bytes: number, total_bytes: number | null, bytes_per_second: number | null) => ({
  bytes,
  total_bytes,
  bytes_per_second,
});

test.each([
  [transfer(50, 100, 10), '[##########----------] half, 5 s left'],
  [transfer(0, 1000, 8), '[--------------------] half, 2 min 5 s left'],
  [transfer(100, 100, 10), '[####################] half, 0 s left'],
  [transfer(150, 100, 10), '[####################] half, 0 s left'],
  [transfer(50, 100, null), '[##########----------] half'],
  [transfer(50, 100, 0), '[##########----------] half'],
  [transfer(50, null, 10), 'half'],
  [transfer(0, 0, 10), 'half'],
  [null, 'half'],
  [undefined, 'half'],
])('%j is shown as %j', (moved, text) => {
  expect(renderTransfer('half', moved)).toBe(text);
});

describe('a passing line', () => {
  const write = (isTTY: boolean) => {
    const written: string[] = [];
    const stream = { write: (text: string) => written.push(text), isTTY, columns: 10 };
    const output = createOutput({ format: undefined, isDebug: false, stdout: stream, stderr: stream });
    output.progress('first');
    output.progress('passing, and too long', { isPassing: true });
    output.progress('passing 2', { isPassing: true });
    output.line('data');
    output.note('note');
    return written.join('');
  };

  test('is cut to the terminal, and written over by whatever comes next', () => {
    expect(write(true)).toBe('first\npassing, \r\u001b[2Kpassing 2\r\u001b[2Kdata\nnote\n');
  });

  test('is not written to a file', () => {
    expect(write(false)).toBe('data\nnote\n');
  });
});
