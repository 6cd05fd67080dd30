import { EcomputeError } from '@etcd-compute/common/errors';

export interface Login {
  readonly username: string;
  readonly password: string;
}

/**
 * Reads a netrc file: `machine NAME login USER password PASSWORD`, and `default` for all other hosts. Macros are not taken.
 * https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html
 *
 * @returns what a host is to be told, undefined when nothing. @throws ECOMPUTE_CONFIG_INVALID, without quoting the file.
 */
export const parseNetrc = (text: string, path: string): ((host: string) => Login | undefined) => {
  const invalid = (reason: string): EcomputeError =>
    new EcomputeError('ECOMPUTE_CONFIG_INVALID', `could not read ${path}, named by images.netrc_file: ${reason}`, {
      hint: 'expected: machine NAME login USER password PASSWORD',
    });
  const words = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .flatMap((line) => line.split(/\s+/))
    .filter(Boolean);
  const logins = new Map<string, { login?: string; password?: string }>();
  let current: { login?: string; password?: string } | undefined;
  const next = (word: string): string => {
    const value = words.shift();
    if (value === undefined) throw invalid(`nothing follows the last '${word}'`);
    return value;
  };
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === 'machine' || word === 'default') {
      current = {};
      logins.set(word === 'machine' ? next(word).toLowerCase() : '', current);
    } else if (!current) throw invalid('it does not begin with machine or default');
    else if (word === 'login') current.login = next(word);
    else if (word === 'password') current.password = next(word);
    else if (word === 'account') next(word);
    else throw invalid('there is a word that is none of machine, default, login, password, account');
  }
  return (host) => {
    const found = logins.get(host) ?? logins.get('');
    return found && { username: found.login ?? '', password: found.password ?? '' };
  };
};
