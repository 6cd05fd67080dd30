import { instanceUuidSchema } from '@etcd-compute/common/ids';
import { sshArguments } from '@etcd-compute/scheduler/access/ssh-arguments';
import { describe, expect, test } from 'vitest';

const instance = instanceUuidSchema.parse('6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d');
const rest = { instance, port: 22, user: undefined, identity: undefined, command: [], knownHosts: '/s/known_hosts' };

/** The values of `-o`. */
const settingsOf = (argv: readonly string[]): string[] => argv.filter((_word, index) => argv[index - 1] === '-o');

describe('sshArguments', () => {
  test('through a tunnel: a command for the shell that never changes, and the key under the uuid', () => {
    const argv = sshArguments({ ...rest, route: { by: 'tunnel', configPath: undefined } });
    expect(settingsOf(argv)).toEqual([
      `HostKeyAlias=${instance}`,
      'UserKnownHostsFile="/s/known_hosts"',
      'StrictHostKeyChecking=accept-new',
      'CheckHostIP=no',
      'HashKnownHosts=no',
      'ServerAliveInterval=30',
      'ProxyCommand="$ECSSH_NODE" "$ECSSH_PROGRAM" tunnel "$ECSSH_INSTANCE" --port "$ECSSH_PORT"',
    ]);
    expect(argv.slice(-2)).toEqual(['--', instance]);
    const hostile = sshArguments({ ...rest, route: { by: 'tunnel', configPath: '/a/$(reboot)/"; x' } });
    expect(settingsOf(hostile).at(-1)).toBe(`${settingsOf(argv).at(-1)} --config "$ECSSH_CONFIG"`);
  });

  test('what the person gives stands where ssh takes it for nothing else', () => {
    const route = { by: 'tunnel', configPath: undefined } as const;
    const argv = sshArguments({
      ...rest,
      route,
      port: 2222,
      user: 'debian',
      identity: '-F',
      command: ['-V', '--', 'a b'],
    });
    expect(argv.slice(argv.indexOf('-p'))).toEqual([
      '-p',
      '2222',
      '-l',
      'debian',
      '-i',
      '-F',
      '--',
      instance,
      '-V',
      '--',
      'a b',
    ]);
  });

  test('at an address that another guest may have too, the person is asked', () => {
    const settings = (isAmbiguous: boolean): string[] =>
      settingsOf(sshArguments({ ...rest, route: { by: 'address', address: '10.45.0.7', isAmbiguous } }));
    expect(settings(true)).toContain('StrictHostKeyChecking=ask');
    expect(settings(false)).toContain('StrictHostKeyChecking=accept-new');
    expect(settings(true)).toContain('HostName=10.45.0.7');
  });

  test('the path of the known hosts is not split nor expanded', () => {
    const argv = sshArguments({ ...rest, route: { by: 'tunnel', configPath: undefined }, knownHosts: '/a b/%h"c' });
    expect(settingsOf(argv)).toContain('UserKnownHostsFile="/a b/%%h\\"c"');
  });
});
