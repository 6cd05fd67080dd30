import { EcomputeError } from '@etcd-compute/common/errors';
import { parseCommandLine, peekReportOptions } from '@etcd-compute/scheduler/cli';
import { splitCommandLine } from '@etcd-compute/scheduler/command-line';
import { GLOBAL_OPTIONS } from '@etcd-compute/scheduler/commands/all-commands';
import { describe, expect, test } from 'vitest';

/** The message and the hint of the mistake, as they are told. */
const mistakeOf = (argv: readonly string[]): string => {
  try {
    parseCommandLine(argv);
  } catch (err) {
    if (err instanceof EcomputeError && err.code === 'ECOMPUTE_USAGE') return `${err.message}\nhint: ${err.hint}`;
    throw err;
  }
  return 'no mistake';
};

const textOf = async (argv: readonly string[]): Promise<string> => {
  const invocation = parseCommandLine(argv);
  return invocation.kind === 'text' ? invocation.text() : 'it would run';
};

const WRONG: readonly { argv: string[]; says: string }[] = [
  { argv: ['boot', '--memory', '0'], says: '--memory 0 is not usable: expected an amount above zero in whole MiB' },
  { argv: ['boot', '--memory', '-5'], says: '--memory -5 is not usable' },
  { argv: ['boot', '--memory', '1.5M'], says: '--memory 1.5M is not usable' },
  { argv: ['boot', '--memory', 'lots'], says: '--memory lots is not usable' },
  { argv: ['boot', '--vcpus', '0'], says: '--vcpus 0 is not usable: expected a whole number from 1 to 2147483647' },
  { argv: ['boot', '--vcpus', '1.5'], says: '--vcpus 1.5 is not usable' },
  { argv: ['boot', '--disk', '0'], says: '--disk 0 is not usable: expected an amount above zero in whole GiB' },
  { argv: ['boot', '--disk', '512M'], says: '--disk 512M is not usable' },
  { argv: ['boot', '--count', '0'], says: '--count 0 is not usable: expected a whole number from 1 to 1000' },
  { argv: ['boot', '--timeout', '0'], says: '--timeout 0 is not usable' },
  { argv: ['boot', '--image', 'file:///etc/passwd'], says: "--image 'file:///etc/passwd' is not usable" },
  { argv: ['boot', '--name', 'Web_1'], says: "--name 'Web_1' is not usable: expected 1 to 63 lower-case letters" },
  { argv: ['boot', '--trait', 'avx2&limit=1'], says: "--trait 'avx2&limit=1' is not usable" },
  { argv: ['boot', '--member-of', 'here'], says: "--member-of 'here' is not usable" },
  { argv: ['boot', '--strategy', 'sprad'], says: 'did you mean spread?' },
  { argv: ['boot', '--resources', 'VCPU:1', '--vcpus', '2'], says: '--resources replaces --vcpus' },
  { argv: ['boot', '--memry', '512'], says: 'boot has no option --memry\nhint: did you mean --memory?' },
  { argv: ['boot', '--name'], says: '--name needs a value' },
  { argv: ['boot', 'web'], says: "boot does not take 'web'" },
  { argv: ['disk'], says: 'disk needs add or remove\nhint: see `eschedule disk --help`' },
  { argv: ['disk', 'ad', 'web'], says: "disk does not know 'ad'\nhint: did you mean `eschedule disk add`?" },
  { argv: ['disk', 'add'], says: 'disk add needs <instance>' },
  { argv: ['disk', 'add', 'web'], says: 'disk add needs --size' },
  { argv: ['disk', 'add', 'web', '--size', '1M'], says: '--size 1M is not usable' },
  { argv: ['disk', 'add', 'web', 'db', '--size', '1'], says: 'disk add takes one instance' },
  { argv: ['disk', 'remove', 'web'], says: 'disk remove takes an instance and the uuid of a disk' },
  { argv: ['disk', 'remove', 'web', 'vdb'], says: "'vdb' is not usable: expected the uuid of a disk" },
  { argv: ['nic', 'add', 'web'], says: 'nic add needs --network' },
  { argv: ['nic', 'add', 'web', '--network', 'a b'], says: "'a b' is not the name of a network" },
  { argv: ['nic', 'remove', 'web'], says: 'nic remove takes an instance and a network' },
  { argv: ['bot'], says: 'did you mean `eschedule boot`?' },
  { argv: ['show'], says: 'show needs an instance, by uuid or name' },
  { argv: ['list', '-o', 'jsno'], says: 'did you mean json?' },
  { argv: ['list', '--vcpus', '1'], says: 'list has no option --vcpus' },
  { argv: ['logs', 'web', '-o', 'json'], says: 'logs has no option --output' },
  { argv: ['boot', '--memory='], says: "--memory '' is not usable" },
  { argv: ['boot', '--wait=no'], says: '--wait takes no value' },
  { argv: ['boot', '--no-name'], says: 'boot has no option --no-name' },
  { argv: ['boot', '--name', '--debug'], says: '--name needs a value' },
  { argv: ['boot', '--count', '2', '--count', '3'], says: '--count is given 2 times' },
  { argv: ['boot', '--no-wiat'], says: 'did you mean --no-wait?' },
  { argv: ['boot', '--name', 'a'.repeat(62), '--count', '10'], says: 'is not usable: expected 1 to 63' },
  { argv: ['show', 'a', 'b'], says: "show does not take 'b'" },
  { argv: ['destroy'], says: 'destroy needs an instance' },
  { argv: ['list', '--project', 'a/b'], says: "--project 'a/b' is not usable: expected 1 to 63 letters" },
  { argv: ['list', '-A', '--project', 'shop'], says: '--project and --all-projects exclude each other' },
  { argv: ['boot', '--user', 'a b'], says: "--user 'a b' is not usable: expected 1 to 255 characters without spaces" },
  { argv: ['audit', 'web'], says: "audit does not take 'web'" },
  { argv: ['audit', '--wait'], says: '--wait needs --fix' },
  { argv: ['audit', '--remove-guests'], says: '--remove-guests needs --fix' },
  { argv: ['audit', '--grace', '0'], says: '--grace 0 is not usable: expected seconds above zero' },
  { argv: ['audit', '--force'], says: 'audit has no option --force' },
  { argv: ['logs', 'a', 'b'], says: "logs does not take 'b'" },
  { argv: ['logs', 'a', '--tail', '-1'], says: '--tail -1 is not usable: expected a whole number from 0' },
  { argv: ['logs', 'a', '-o', 'json'], says: 'logs has no option --output' },
  { argv: ['ssh'], says: 'ssh needs <uuid or name> [-- command...]' },
  { argv: ['ssh', 'a', '--port', '65536'], says: '--port 65536 is not usable' },
  { argv: ['ssh', 'a', 'ls', '-l'], says: 'ssh has no option -l' },
  { argv: ['tunnel', 'a', '--port', '0'], says: '--port 0 is not usable' },
  { argv: ['resources=VCPU:1', 'http://x/', 'more'], says: 'too many arguments' },
  { argv: ['resources=VCPU:1', '--vcpus', '1'], says: "'resources=...' has no option --vcpus" },
  { argv: ['--debug'], says: 'a command is missing' },
];

describe('parseCommandLine', () => {
  test.each(WRONG)('refuses $argv', ({ argv, says }) => {
    expect(mistakeOf(argv)).toContain(says);
  });

  const RIGHT: readonly string[][] = [
    ['boot'],
    ['boot', '--memory', '2G', '--disk', '1T', '--vcpus', '4', '--name', 'web', '--count', '3', '--no-wait'],
    ['boot', '--trait', 'HW_CPU_X86_AVX2', '--trait', '!CUSTOM_SLOW', '--retries', '0', '--timeout', '0.5'],
    ['list', '-a', '-ojson', '-c', 'x.yaml'],
    ['--output=json', 'show', 'web'],
    ['destroy', 'a', 'b', '--wait'],
    ['hosts', '--debug'],
    ['start', 'a', '--no-wait'],
    ['stop', 'a', 'b', '--hard', '--timeout', '5'],
    ['reboot', 'a', '--hard'],
    ['logs', 'a', '-f', '--tail', '0'],
    [
      'ssh',
      'a',
      '-u',
      'debian',
      '-i',
      'key',
      '--port',
      '2222',
      '--',
      'ls',
      '-l',
      '--no-such',
      '-ojson',
      '--debug=yes',
      '--',
    ],
    ['tunnel', 'a'],
    ['resources=VCPU:1', 'http://x/a.img', '-o', 'json'],
    ['6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d'],
  ];
  test.each(RIGHT.map((argv) => ({ argv })))('takes $argv', ({ argv }) => {
    expect(mistakeOf(argv)).toBe('no mistake');
  });

  test('takes the global options wherever they stand', () => {
    const invocation = parseCommandLine(['-o', 'yaml', 'list', '--config', 'x.yaml']);
    expect(invocation).toMatchObject({ kind: 'run', format: 'yaml', configPath: 'x.yaml' });
  });
});

describe('splitCommandLine', () => {
  test('leaves every word after -- as it is', () => {
    const operands = ['head', '-n5', '-ofile', '--wait=no', '--', '--help', '007', ''];
    const { positionals, options, unknown } = splitCommandLine(['ssh', 'web', '--', ...operands], GLOBAL_OPTIONS);
    expect({ positionals, options: [...options], unknown }).toEqual({
      positionals: ['ssh', 'web', ...operands],
      options: [],
      unknown: [],
    });
  });
});

describe('help', () => {
  test('opens with examples, for every command', async () => {
    for (const argv of [
      [],
      ['--help'],
      ['boot', '-h'],
      ['list', '-h'],
      ['show', '-h'],
      ['destroy', '-h'],
      ['hosts', '-h'],
      ['start', '-h'],
      ['stop', '-h'],
      ['reboot', '-h'],
      ['logs', '-h'],
      ['ssh', '-h'],
      ['tunnel', '-h'],
    ])
      expect(await textOf(argv)).toMatch(/^Examples:\n {2}eschedule /);
  });

  test('of a command lists its own options before the global ones', async () => {
    expect(await textOf(['destroy', '--help'])).toBe(`Examples:
  eschedule destroy web
  eschedule destroy web-1 web-2 --wait
  eschedule destroy web --force

Usage: eschedule destroy <uuid or name>... [options]

Returns when the request is stored; --wait waits until they are gone. Prints them only with -o. On a host that is down, they are
destroyed when its agent is back. --force gives them up at once: Placement can allocate their room to others, although a guest
may still run there; the domain and the disk stay on the host until its agent is back and removes them.

Options:
      --wait             wait until they are gone
      --force            only if the host is down: do not wait for it
      --timeout SECONDS  how long to wait; default: timeout of the config, else 600
  -c, --config FILE      the config; default ./schedule.yaml if there is one
      --project PROJECT  the project of instances and names; default: project of the config, else default
  -o, --output FORMAT    table, wide, json, yaml, name (name prints uuids)
      --debug            show where an error comes from
  -h, --help             show this help
      --version          show the version
`);
  });

  test('--version is the version of the package', async () => {
    const { readFile } = await import('node:fs/promises');
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(await textOf(['--version'])).toBe(`${version}\n`);
  });
});

describe('peekReportOptions', () => {
  test('sees the format of errors in any spelling', () => {
    for (const argv of [['-o', 'json'], ['-ojson'], ['--output', 'json'], ['--output=json']])
      expect(peekReportOptions(['boot', ...argv]).format).toBe('json');
    expect(peekReportOptions(['boot', '-o', 'yaml']).format).toBeUndefined();
    const ofTheGuest = ['ssh', 'web', '--', 'kubectl', '-o', 'json', '--debug'];
    expect(peekReportOptions(ofTheGuest)).toEqual({ format: undefined, isDebug: false });
  });
});
