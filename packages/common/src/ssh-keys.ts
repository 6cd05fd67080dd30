/* Public keys as OpenSSH writes them: RFC 4253 section 6.6, and sshd(8) "AUTHORIZED_KEYS FILE FORMAT". */

/** Types that sshd still takes, and the fields of each after the type; undefined for numbers of any length. */
const FIELDS: Readonly<Record<string, readonly (number | undefined)[]>> = {
  'ssh-ed25519': [32],
  'ssh-rsa': [undefined, undefined],
  'ecdsa-sha2-nistp256': [8, 65],
  'ecdsa-sha2-nistp384': [8, 97],
  'ecdsa-sha2-nistp521': [8, 133],
  'sk-ssh-ed25519@openssh.com': [32, undefined],
  'sk-ecdsa-sha2-nistp256@openssh.com': [8, 65, undefined],
};

/** A key, or what is wrong with it. */
export type CheckedKey = { readonly key: string } | { readonly problem: string };

/** Splits what is in a key into its fields, each with its length before it; undefined when it ends in the middle of one. */
const splitFields = (blob: Buffer): Buffer[] | undefined => {
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length;) {
    if (at + 4 > blob.length) return undefined;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return undefined;
    fields.push(blob.subarray(at + 4, end));
    at = end;
  }
  return fields;
};

const findProblem = (type: string, base64: string | undefined): string | undefined => {
  const lengths = FIELDS[type];
  if (type === 'ssh-dss') return 'DSA keys are not taken by sshd any more';
  if (!lengths) return `'${type.slice(0, 40)}' is no type of key; expected one of ${Object.keys(FIELDS).join(', ')}`;
  if (base64 === undefined) return `there is no key after ${type}`;
  const blob = Buffer.from(base64, 'base64');
  if (blob.toString('base64') !== base64) return 'the key is not base64';
  const fields = splitFields(blob);
  if (!fields) return 'the key is cut off';
  const [inner, ...rest] = fields;
  if (inner?.toString('latin1') !== type)
    return `it says ${type}, and the key in it is of type '${inner?.toString('latin1').slice(0, 40) ?? ''}'`;
  const fits =
    rest.length === lengths.length && lengths.every((length, at) => rest[at]?.length === (length ?? rest[at]?.length));
  return fits ? undefined : `the key is not a whole ${type} key`;
};

const MAX_LENGTH = 16_384;

/** @param line without a line break, such as `ssh-ed25519 AAAA... me@laptop`. */
export const checkKey = (line: string): CheckedKey => {
  const key = line.trim();
  if (/\p{Cc}/u.test(key)) return { problem: 'it holds a control character' };
  if (key.length > MAX_LENGTH) return { problem: `it is longer than ${MAX_LENGTH} characters` };
  const [type = '', base64] = key.split(/ +/);
  const problem = findProblem(type, base64);
  return problem === undefined ? { key } : { problem };
};

export interface KeyProblem {
  /** Counted from 1; 0 is the whole file. */
  readonly line: number;
  readonly problem: string;
}

/** The keys of a file such as `id_ed25519.pub` or `authorized_keys`, without its comments. */
export const checkKeyFile = (text: string): { keys: string[]; problems: KeyProblem[] } => {
  const keys: string[] = [];
  const problems: KeyProblem[] = [];
  if (/^-----BEGIN .*PRIVATE KEY-----/m.test(text))
    return {
      keys,
      problems: [{ line: 0, problem: 'this is a private key, which must stay where it is: give its .pub file' }],
    };
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const checked = checkKey(line);
    if ('key' in checked) keys.push(checked.key);
    else problems.push({ line: index + 1, problem: checked.problem });
  }
  if (keys.length === 0 && problems.length === 0) problems.push({ line: 0, problem: 'there is no key in it' });
  return { keys, problems };
};

/** A key and not the name of a file. */
export const isKeyLine = (text: string): boolean => /^\s*(ssh|ecdsa|sk)-\S+\s/.test(text);
