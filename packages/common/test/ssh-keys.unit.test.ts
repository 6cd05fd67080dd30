import { checkKey, checkKeyFile, isKeyLine } from '@etcd-compute/common/ssh-keys';
import { describe, expect, test } from 'vitest';

const field = (content: Buffer | string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(content));
  return Buffer.concat([length, Buffer.from(content)]);
};
const blob = (...fields: readonly (Buffer | string)[]): string => Buffer.concat(fields.map(field)).toString('base64');

const ED25519 = blob('ssh-ed25519', Buffer.alloc(32, 7));
const RSA = blob('ssh-rsa', Buffer.from([1, 0, 1]), Buffer.alloc(257, 9));
const P256 = blob('ecdsa-sha2-nistp256', 'nistp256', Buffer.alloc(65, 4));
const SK = blob('sk-ssh-ed25519@openssh.com', Buffer.alloc(32, 7), 'ssh:');

const problemOf = (line: string): string | undefined => {
  const checked = checkKey(line);
  return 'problem' in checked ? checked.problem : undefined;
};

describe('a public key', () => {
  test.each([
    `ssh-ed25519 ${ED25519} me@laptop`,
    `ssh-ed25519 ${ED25519}`,
    `ssh-rsa ${RSA} a comment of more words`,
    `ecdsa-sha2-nistp256 ${P256} x`,
    `sk-ssh-ed25519@openssh.com ${SK} token`,
  ])('%s is taken as it is', (line) => {
    expect(checkKey(` ${line} `)).toEqual({ key: line });
  });

  test.each([
    ['a type that does not exist', `ssh-ed448 ${ED25519}`, "'ssh-ed448' is no type of key"],
    ['options before it', `command="x" ssh-ed25519 ${ED25519}`, 'is no type of key'],
    ['DSA', `ssh-dss ${ED25519}`, 'DSA keys are not taken'],
    ['nothing after the type', 'ssh-ed25519', 'there is no key after ssh-ed25519'],
    ['what is not base64', 'ssh-ed25519 AAAA*', 'the key is not base64'],
    ['a key that lost its end', `ssh-ed25519 ${ED25519.slice(0, -8)}`, 'the key is cut off'],
    ['a key in another type', `ssh-rsa ${ED25519}`, "it says ssh-rsa, and the key in it is of type 'ssh-ed25519'"],
    [
      'a key of the wrong length',
      `ssh-ed25519 ${blob('ssh-ed25519', Buffer.alloc(31))}`,
      'not a whole ssh-ed25519 key',
    ],
    ['a field too much', `ssh-ed25519 ${blob('ssh-ed25519', Buffer.alloc(32), 'x')}`, 'not a whole ssh-ed25519 key'],
    ['a second line', `ssh-ed25519 ${ED25519} me\nssh-rsa`, 'a control character'],
    ['far too long', `ssh-ed25519 ${ED25519} ${'x'.repeat(17_000)}`, 'longer than 16384'],
  ])('%s is refused', (_what, line, problem) => {
    expect(problemOf(line)).toContain(problem);
  });

  /** Made by ssh-keygen. */
  test.each([
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIbJKi/8AK007hemhA5X/rXHzeJV9UK3gQvmodFmvJoQ test@example',
    'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDE7kSpokVdZHCynnNnOxo+GNHP9pJMTzPfRZb/4dinXkOyBDiLk2v/AmFUuEiHqUA4SYi2sK8MTzwhVh40czQmKKToh3+/bNUn5tIvvDYMWuSBMuA3a4aQNrkgSfKkccNk/ECUys9PS8puetU3HtR044Gd7NJW4vjQGMGyxcY284qpAGxYinGA6xjJyY+RSUUj9cGcfqUYe/074JKgxwtX8Kqv2KXO6IvE5OsYZ6RwtUfvEQVlB8h3JWO0wuYWjR2O0NrLn8EOUOFwk2yeQc0aU23nt/TuwkXcGoWHLVRRCoHrVUCnhCOvneXTEkqsV9MCszTLe3gSuvPA0VxavfctznkqKodxYOylszzABqeHJLtY1j2Gf5xfziG0lXtIiuiALyqs+rwUELMb2VzzmTIN2TToYci5Kpod7OmUcmxszPWtnlhnOgtLqm/rlJuLQCqh1jgkzH2XZursbJIn18HvzrBexMowdT6n4nWoJQauLkqVuxrtvYdcnqxRrpRSPMU= test@example',
    'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGwJZ5N+uX25/YwcHz2jl9HBZjx3XOyGL/jHRPE8nOLsgJuA5oId/AkRna4iP0W9y/HrB7pTh51fSFp2SKCC6Jc= test@example',
  ])('%s, which ssh-keygen made, is taken', (line) => {
    expect(checkKeyFile(`${line}\n`)).toEqual({ keys: [line], problems: [] });
  });

  test('is told from the name of a file', () => {
    expect(isKeyLine(`ssh-ed25519 ${ED25519}`)).toBe(true);
    expect(isKeyLine('ssh-dss AAAA')).toBe(true);
    expect(isKeyLine('ssh-key.pub')).toBe(false);
    expect(isKeyLine('./id_ed25519.pub')).toBe(false);
  });
});

describe('a file of public keys', () => {
  test('may have comments, empty lines and the line ends of Windows', () => {
    const text = `# mine\r\nssh-ed25519 ${ED25519} a\r\n\r\n  # and\nssh-rsa ${RSA} b\n`;
    expect(checkKeyFile(text)).toEqual({ keys: [`ssh-ed25519 ${ED25519} a`, `ssh-rsa ${RSA} b`], problems: [] });
  });

  test('names the line of each that is wrong', () => {
    const { problems } = checkKeyFile(`ssh-ed25519 ${ED25519}\nhello\n\nssh-rsa ${ED25519}\n`);
    expect(problems.map(({ line }) => line)).toEqual([2, 4]);
  });

  test('that is a private key is refused before anything of it is read', () => {
    const text = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n';
    expect(checkKeyFile(text).problems).toEqual([{ line: 0, problem: expect.stringContaining('private key') }]);
  });

  test('without a key is refused as a whole', () => {
    expect(checkKeyFile('# none\n').problems).toEqual([{ line: 0, problem: 'there is no key in it' }]);
  });
});
