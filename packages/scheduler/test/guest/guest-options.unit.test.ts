import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scheduleSchema } from '@etcd-compute/scheduler/config';
import { parseGuestArgs, type GuestArgs } from '@etcd-compute/scheduler/guest/guest-options';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@example';
const OTHER = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA you@example';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'guest-options-'));
  writeFileSync(join(dir, 'key.pub'), `${KEY}\n`);
  writeFileSync(join(dir, 'bad.pub'), `${KEY}\nssh-rsa AAAA\n`);
  writeFileSync(join(dir, 'user-data'), '#cloud-config\nruncmd: []\n');
  writeFileSync(join(dir, 'bad-user-data'), '#cloud-config\n{{{\n');
  writeFileSync(join(dir, 'empty'), '');
});
afterAll(() => rmSync(dir, { recursive: true }));

const configOf = (keys: Record<string, unknown> = {}): ReturnType<typeof scheduleSchema.parse> =>
  scheduleSchema.parse({ etcd: { host: 'a' }, placement: { endpoint: 'http://b' }, ...keys });

const parse = (args: Partial<GuestArgs>, config = configOf()): ReturnType<ReturnType<typeof parseGuestArgs>> =>
  parseGuestArgs({ sshKeys: [], userData: undefined, meta: [], firmware: undefined, ...args })(config);

describe('what is for the guest', () => {
  test('nothing given is nothing sent', () => {
    expect(parse({})).toEqual({});
  });

  test('keys come from files and lines, each once; user data from a file', () => {
    const sshKeys = [join(dir, 'key.pub'), OTHER, KEY];
    expect(
      parse({ sshKeys, userData: join(dir, 'user-data'), meta: ['role=web', 'note=a=b'], firmware: 'uefi' }),
    ).toEqual({
      ssh_keys: [KEY, OTHER],
      user_data: '#cloud-config\nruncmd: []\n',
      meta: { role: 'web', note: 'a=b' },
      firmware: 'uefi',
    });
  });

  test('the config stands in for what is not typed', () => {
    const config = configOf({ ssh_keys: [OTHER], user_data: join(dir, 'user-data') });
    expect(parse({}, config)).toEqual({ ssh_keys: [OTHER], user_data: '#cloud-config\nruncmd: []\n' });
    expect(parse({ sshKeys: [KEY], userData: join(dir, 'empty') }, config)).toEqual({ ssh_keys: [KEY] });
  });

  test.each([
    [{ sshKeys: ['nowhere.pub'] }, "--ssh-key 'nowhere.pub' could not be read (ENOENT)"],
    [{ sshKeys: ['/'] }, "--ssh-key '/' could not be read (EISDIR)"],
    [{ sshKeys: ['ssh-ed25519 AAAA'] }, "--ssh-key 'ssh-ed25519 AAAA...' is not usable: the key is cut off"],
    [{ userData: 'nowhere' }, "--user-data 'nowhere' could not be read (ENOENT)"],
    [{ meta: ['role'] }, "--meta 'role' is not usable: expected KEY=VALUE"],
    [{ meta: ['=web'] }, "--meta '=web' is not usable: expected KEY=VALUE"],
    [{ meta: ['a b=c'] }, "--meta 'a b' is not usable: expected up to 255 letters"],
    [{ meta: ['a=\u0007'] }, "--meta 'a' is not usable: expected no control characters"],
    [{ meta: ['a=1', 'a=2'] }, "--meta 'a' is given twice"],
    [{ firmware: 'efi' }, "--firmware 'efi' is not known: expected bios or uefi"],
  ])('%j is refused, by name', (args, message) => {
    expect(() => parse(args)).toThrow(message);
    expect(() => parse(args)).toThrow(expect.objectContaining({ code: 'ECOMPUTE_USAGE' }));
  });

  test('a wrong key in a file is named by file and line, wrong user data by line', () => {
    expect(() => parse({ sshKeys: [join(dir, 'bad.pub')] })).toThrow(`--ssh-key '${dir}/bad.pub:2' is not usable: `);
    expect(() => parse({ userData: join(dir, 'bad-user-data') })).toThrow(
      `--user-data '${dir}/bad-user-data' is not usable: line `,
    );
  });

  test('what is wrong in the config is said to be there', () => {
    const error = expect.objectContaining({ code: 'ECOMPUTE_CONFIG_INVALID' });
    expect(() => parse({}, configOf({ ssh_keys: ['nowhere.pub'] }))).toThrow(error);
    expect(() => parse({}, configOf({ ssh_keys: ['nowhere.pub'] }))).toThrow("the config's ssh_keys 'nowhere.pub'");
    expect(() => parse({}, configOf({ user_data: join(dir, 'bad-user-data') }))).toThrow("the config's user_data");
  });
});
