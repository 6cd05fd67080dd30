import { randomUUID } from 'node:crypto';
import { readServerConsole } from '@etcd-compute/api/compute/servers/engine/read-console';
import { expect, test } from 'vitest';

const id = randomUUID();
const logOf = (text: string) => ({
  readConsole: async (_id: string, { write }: { write: (bytes: Buffer) => Promise<void> }) => {
    for (const byte of Buffer.from(text)) await write(Buffer.from([byte]));
  },
});

test.each([
  [undefined, 'one\r\ntwo\r\n', 'one\ntwo\n'],
  [2, 'one\ntwo\n', 'two\n'],
  [2, 'one\ntwo\n$ ', 'two\n$ '],
  [3, 'one', 'one'],
  [0, 'one\n', ''],
  [undefined, '\u001b[31mred\u0007\tgrün\u0000\u001b[0m', '[31mred\tgrün[0m'],
])('%s lines of %j are %j', async (tail, log, expected) => {
  expect(await readServerConsole(logOf(log), { id, tail })).toBe(expected);
});
