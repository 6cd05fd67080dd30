import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { EcomputeError } from '@etcd-compute/common/errors';
import { FIRMWARES, MAX_SSH_KEYS, type GuestMembers } from '@etcd-compute/common/etcd/messages/guest-config';
import type { Args, OptionTable } from '../command-line.js';
import type { ScheduleConfig } from '../config.js';
import { closestWord, usageError } from '../usage.js';
import { parseMeta } from './meta.js';
import { checkKey, checkKeyFile, isKeyLine } from '@etcd-compute/common/ssh-keys';
import { checkUserData } from './user-data.js';

/** The options of `boot` that are for the guest. All is read and checked before anything is sent. */
export const GUEST_OPTIONS: OptionTable = {
  'ssh-key': {
    value: 'FILE|KEY',
    isMany: true,
    describe:
      'a public key that may log in: a .pub file, or its line; may be repeated; default: ssh_keys of the config',
  },
  'user-data': {
    value: 'FILE',
    describe: 'for the guest’s cloud-init: a #cloud-config, a script, ...; default: user_data of the config',
  },
  meta: { value: 'KEY=VALUE', isMany: true, describe: 'metadata for the guest; may be repeated' },
  firmware: { value: 'WHICH', describe: `${FIRMWARES.join(' or ')}; default: the setting of the host’s agent` },
};

/** What was typed, as text. */
export interface GuestArgs {
  readonly sshKeys: readonly string[];
  readonly userData: string | undefined;
  readonly meta: readonly string[];
  readonly firmware: string | undefined;
}

export const guestArgsOf = (args: Args): GuestArgs => ({
  sshKeys: args.many('ssh-key'),
  userData: args.one('user-data'),
  meta: args.many('meta'),
  firmware: args.one('firmware'),
});

/** Makes the error for one that is wrong: of the command line, or of the config. */
type Refuse = (reason: string, hint: string) => Error;

const typed =
  (option: string): Refuse =>
  (reason, hint) =>
    usageError(`--${option} ${reason}`, hint);

const configured =
  (key: string): Refuse =>
  (reason, hint) =>
    new EcomputeError('ECOMPUTE_CONFIG_INVALID', `the config's ${key} ${reason}`, { hint });

/** A shell does not see what is in the config. */
const expandHome = (path: string): string => (path.startsWith('~/') ? join(homedir(), path.slice(2)) : path);

const readBytes = (path: string, refuse: Refuse): Buffer => {
  try {
    return readFileSync(expandHome(path));
  } catch (err) {
    const code = err instanceof Error && 'code' in err ? String(err.code) : 'unknown';
    throw refuse(`'${path}' could not be read (${code})`, READ_HINTS[code] ?? 'expected a file that you may read');
  }
};

const READ_HINTS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; a key itself begins with its type, such as ssh-ed25519',
  EISDIR: 'it is a folder; expected a file',
  EACCES: 'you may not read it',
};

const readKeys = (text: string, refuse: Refuse): string[] => {
  if (isKeyLine(text)) {
    const checked = checkKey(text);
    if ('key' in checked) return [checked.key];
    throw refuse(
      `'${text.trim().slice(0, 30)}...' is not usable: ${checked.problem}`,
      'give the line of a .pub file as it is',
    );
  }
  const { keys, problems } = checkKeyFile(readBytes(text, refuse).toString('utf8'));
  const [first] = problems;
  if (!first) return keys;
  const place = first.line === 0 ? text : `${text}:${first.line}`;
  throw refuse(
    `'${place}' is not usable: ${first.problem}`,
    'expected public keys, one a line, as in ~/.ssh/id_ed25519.pub',
  );
};

const readAllKeys = (texts: readonly string[], refuse: Refuse): string[] => {
  const keys = [...new Set(texts.flatMap((text) => readKeys(text, refuse)))];
  if (keys.length <= MAX_SSH_KEYS) return keys;
  throw refuse(`gives ${keys.length} keys`, `a guest takes ${MAX_SSH_KEYS} at the most`);
};

const readUserData = (path: string, refuse: Refuse): string | undefined => {
  const checked = checkUserData(readBytes(path, refuse));
  if ('userData' in checked) return checked.userData;
  throw refuse(`'${path}' is not usable: ${checked.problem}`, 'nothing has been sent');
};

const parseFirmware = (text: string): GuestMembers['firmware'] => {
  const firmware = FIRMWARES.find((known) => known === text);
  if (firmware !== undefined) return firmware;
  const near = closestWord(text, FIRMWARES);
  throw usageError(
    `--firmware '${text}' is not known: expected ${FIRMWARES.join(' or ')}`,
    near === undefined ? 'see `eschedule boot --help`' : `did you mean ${near}?`,
  );
};

/**
 * Checks what was typed, then, with the config at hand, what stands in for the rest. What is typed replaces what is configured.
 *
 * @throws EcomputeError ECOMPUTE_USAGE; the function it returns: ECOMPUTE_CONFIG_INVALID
 */
export const parseGuestArgs = (args: GuestArgs): ((config: ScheduleConfig) => GuestMembers) => {
  const keys = args.sshKeys.length === 0 ? undefined : readAllKeys(args.sshKeys, typed('ssh-key'));
  const userData = args.userData === undefined ? undefined : readUserData(args.userData, typed('user-data'));
  const meta = parseMeta(args.meta);
  const firmware = args.firmware === undefined ? undefined : parseFirmware(args.firmware);
  return (config) => {
    const sshKeys = keys ?? readAllKeys(config.ssh_keys, configured('ssh_keys'));
    const standIn = args.userData === undefined ? config.user_data : undefined;
    const guestData = standIn === undefined ? userData : readUserData(standIn, configured('user_data'));
    return {
      ...(sshKeys.length > 0 && { ssh_keys: sshKeys }),
      ...(guestData !== undefined && { user_data: guestData }),
      ...(Object.keys(meta).length > 0 && { meta }),
      ...(firmware !== undefined && { firmware }),
    };
  };
};
