import { parseNetrc } from '@etcd-compute/agent/images/download/netrc';
import { expect, test } from 'vitest';

test('a login is for its host only, unless it is the default', () => {
  const loginFor = parseNetrc('# ours\nmachine Images.example login me password s3cret\n', '/netrc');
  expect(loginFor('images.example')).toEqual({ username: 'me', password: 's3cret' });
  expect(loginFor('other.example')).toBeUndefined();
  const withDefault = parseNetrc('machine a login b\n  password c\ndefault\n login d account x password e', '/netrc');
  expect(withDefault('a')).toEqual({ username: 'b', password: 'c' });
  expect(withDefault('z')).toEqual({ username: 'd', password: 'e' });
});

test.each([
  ['login me password s3cret', 'it does not begin with machine or default'],
  ['machine a login me password', "nothing follows the last 'password'"],
  ['machine a login me s3cret', 'there is a word that is none of'],
])('%j is refused without quoting it', (text, reason) => {
  expect(() => parseNetrc(text, '/netrc')).toThrow(`could not read /netrc, named by images.netrc_file: ${reason}`);
  expect(() => parseNetrc(text, '/netrc')).not.toThrow('s3cret');
});
