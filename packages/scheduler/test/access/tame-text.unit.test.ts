import { createTextTamer } from '@etcd-compute/scheduler/access/tame-text';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const ESCAPE = '\u001b';
const COLOUR = new RegExp(`${ESCAPE}\\[[\\d;:]*m`, 'g');
const tame = (text: string | Buffer): string =>
  createTextTamer().tame(typeof text === 'string' ? Buffer.from(text) : text);

const CASES: readonly { what: string; said: string; shown: string }[] = [
  { what: 'text in any script', said: 'Grüße, 世界 🐧\r\n\tok\b', shown: 'Grüße, 世界 🐧\r\n\tok\b' },
  { what: 'colours', said: '\u001b[1;32m OK \u001b[0m', shown: '\u001b[1;32m OK \u001b[0m' },
  { what: 'colours with colons', said: '\u001b[38:2::1:2:3mx', shown: '\u001b[38:2::1:2:3mx' },
  { what: 'clearing the screen', said: 'a\u001b[2J\u001b[Hb', shown: 'ab' },
  { what: 'a reset', said: 'a\u001bcb', shown: 'ab' },
  { what: 'asking the terminal to answer', said: '\u001b[6n\u001b[c\u001b[>q\u001bZ\u0005.', shown: '.' },
  { what: 'private sequences that end in m', said: '\u001b[?1m\u001b[>4;2mx', shown: 'x' },
  { what: 'a title, ended by BEL', said: '\u001b]0;rm -rf\u0007x', shown: 'x' },
  { what: 'a title, ended by ST', said: '\u001b]0;rm -rf\u001b\\x', shown: 'x' },
  { what: 'the clipboard', said: '\u001b]52;c;ZXZpbA==\u0007x', shown: 'x' },
  { what: 'a device control string', said: '\u001bP$q"p\u001b\\x', shown: 'x' },
  { what: 'controls of eight bits', said: '\u009b2J\u009d0;t\u009cx\u0085', shown: 'x' },
  { what: 'a character set', said: '\u001b(0x\u001b#8y', shown: 'xy' },
  { what: 'a string that never ends', said: '\u001b]0;begun\nnext line\n', shown: '\nnext line\n' },
  { what: 'a sequence that is cut by a line', said: '\u001b[12\nnext', shown: '\next' },
  { what: 'an escape within a sequence', said: '\u001b[3\u001b[31mx', shown: '\u001b[31mx' },
  { what: 'an endless sequence', said: `\u001b[${'1;'.repeat(5000)}mx`, shown: 'x' },
  { what: 'other controls', said: '\u0000\u0007\u000e\u007f\u000b\u000cx', shown: 'x' },
];

describe('createTextTamer', () => {
  test.each(CASES)('$what', ({ said, shown }) => {
    expect(tame(said)).toBe(shown);
  });

  test('what is no UTF-8 cannot be a control of eight bits', () => {
    expect(tame(Buffer.from([0x61, 0x9b, 0x32, 0x4a, 0x62]))).toBe('a\ufffd2Jb');
  });

  test('wherever bytes are cut, the result is the same, and no escape is in it but colours', () => {
    const piece = fc.oneof(
      fc.constantFrom('\u001b', '[', ']', 'm', '0;1', '\u0007', '\\', '\n', '\u009b', 'P', '(', '?', '\u001b[31m'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.nat(), (pieces, seed) => {
        const bytes = Buffer.from(pieces.join(''));
        const cut = bytes.length === 0 ? 0 : seed % bytes.length;
        const tamer = createTextTamer();
        const inTwo = tamer.tame(bytes.subarray(0, cut)) + tamer.tame(bytes.subarray(cut));
        expect(inTwo).toBe(tame(bytes));
        const rest = inTwo.replaceAll(COLOUR, '').replaceAll(/[\n\r\t\b]/g, '');
        expect(rest).not.toMatch(/\p{Cc}/u);
      }),
    );
  });

  test('colours that were set are set back, and nothing is added where there were none', () => {
    const tamer = createTextTamer();
    tamer.tame(Buffer.from('plain'));
    expect(tamer.end()).toBe('');
    tamer.tame(Buffer.from('\u001b[31mred'));
    expect(tamer.end()).toBe('\u001b[0m');
  });
});
