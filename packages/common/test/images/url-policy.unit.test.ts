import type { LookupAddress } from 'node:dns';
import { allowPrivateKey } from '@etcd-compute/common/images/allow-private';
import { createUrlPolicy } from '@etcd-compute/common/images/url-policy';
import { describe, expect, test } from 'vitest';

const strict = createUrlPolicy([]);

/** What a name of the URL's host becomes for a connection. */
const lookup = async (url: string, allowed: readonly string[] = [], name = new URL(url).hostname) =>
  new Promise<readonly LookupAddress[]>((resolve, reject) => {
    createUrlPolicy(allowed).lookupFor(new URL(url))(name, { all: true }, (err, addresses) => {
      if (err) reject(err);
      else resolve(typeof addresses === 'string' ? [] : addresses);
    });
  });

describe('an address in a URL', () => {
  test.each([
    'http://127.0.0.1/a',
    'http://127.1/a',
    'http://0x7f000001/a',
    'http://2130706433/a',
    'http://0177.0.0.1/a',
    'http://10.1.2.3/a',
    'https://172.16.0.1:8443/a',
    'http://192.168.1.1/a',
    'http://169.254.169.254/latest/meta-data',
    'http://100.64.0.1/a',
    'http://0.0.0.0/a',
    'http://255.255.255.255/a',
    'http://224.0.0.1/a',
    'http://[::1]/a',
    'http://[::]/a',
    'http://[fe80::1]/a',
    'http://[fd00::1]/a',
    'http://[::ffff:127.0.0.1]/a',
    'http://[::ffff:a9fe:a9fe]/a',
    'http://[64:ff9b::7f00:1]/a',
    'http://[2002:7f00:1::]/a',
  ])('%s is refused', (url) => {
    expect(() => strict.check(url)).toThrow(/is at an address that images may not come from$/);
  });

  test.each(['http://1.1.1.1/a', 'https://[2606:4700::1111]/a', 'http://images.example/a'])('%s is taken', (url) => {
    expect(strict.check(url).href).toBe(url);
  });

  test.each([
    ['127.0.0.1', 'http://127.0.0.1:8080/a', 'http://127.0.0.2/a'],
    ['10.20.0.0/16', 'http://10.20.30.40/a', 'http://10.21.0.1/a'],
    ['fd00::/8', 'http://[fd12::1]/a', 'http://[fe80::1]/a'],
    ['127.0.0.0/8', 'http://[::ffff:127.0.0.1]/a', 'http://[::1]/a'],
    ['192.168.1.1', 'http://192.168.1.1/a', 'http://images.example@192.168.1.2/a'],
  ])('%s allows %s, not %s', (allowed, taken, refused) => {
    const policy = createUrlPolicy([allowed]);
    expect(policy.check(taken).href).toContain('http://');
    expect(() => policy.check(refused)).toThrow('could not use the image URL');
  });
});

describe('a name', () => {
  test('of this machine is refused when a connection is made to it, and the reason names the addresses', async () => {
    expect(strict.check('http://localhost/a').hostname).toBe('localhost');
    await expect(lookup('http://localhost/a')).rejects.toMatchObject({
      code: 'ECOMPUTE_IMAGE_URL_REFUSED',
      message: expect.stringMatching(/localhost is at an address that images may not come from \(.*127\.0\.0\.1.*\)/),
      hint: expect.stringContaining('images.allow_private'),
      retryable: false,
    });
  });

  test('is taken when it, or its address, is allowed', async () => {
    for (const allowed of ['localhost', '127.0.0.1'])
      expect(await lookup('http://localhost/a', [allowed])).toContainEqual({ address: '127.0.0.1', family: 4 });
  });

  test('that is not the URL’s is that of a proxy, which the operator chose', async () => {
    expect(await lookup('http://images.example/a', [], 'localhost')).not.toHaveLength(0);
  });
});

test.each(['ftp://a/b', 'file:///etc/passwd', 'b', '', '//host/x', 'http://', 'data:,x'])('%j is no URL', (text) => {
  expect(() => strict.check(text)).toThrow(`could not use the image URL ${JSON.stringify(text)}`);
});

test('a URL with a password is refused without saying it again', () => {
  expect(() => strict.check('https://me:hunter2@images.example/a')).toThrow(
    /^could not use the image URL "https:\/\/images\.example\/a": it was given with a user or a password/,
  );
});

test.each(['10.0.0.0/8', '::1', 'images.example', 'LOCALHOST'])('allow_private takes %s', (text) => {
  expect(allowPrivateKey.parse([text])).toEqual([text.toLowerCase()]);
});

test.each(['http://a', '10.0.0.0/33', 'a b', '', '*'])('allow_private refuses %j', (text) => {
  expect(allowPrivateKey.safeParse([text]).success).toBe(false);
});
