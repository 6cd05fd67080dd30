import { parseRoute } from '@etcd-compute/agent/endpoint/routes';
import { describe, expect, test } from 'vitest';

const UUID = '6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d';
const get = (url: string) => parseRoute({ method: 'GET', url });

describe('parseRoute', () => {
  test('takes a console, a tunnel and a snapshot', () => {
    expect(get(`/instances/${UUID}/console?follow=true&from=1f-2e:300`)).toEqual({
      what: 'console',
      instance: UUID,
      follow: true,
      isLive: false,
      from: { file: '1f-2e', offset: 300 },
      tail: undefined,
    });
    expect(get(`/instances/${UUID}/console?tail=0`)).toMatchObject({ follow: false, tail: 0 });
    expect(get(`/instances/${UUID}/console?follow=true&live=true`)).toMatchObject({ isLive: true });
    expect(get(`/instances/${UUID}/input?by=chris%40desk&force=true`)).toEqual({
      what: 'input',
      instance: UUID,
      by: 'chris@desk',
      isForced: true,
    });
    expect(get(`/instances/${UUID}/input?by=a`)).toMatchObject({ isForced: false });
    expect(get(`/instances/${UUID}/tunnel?port=22`)).toEqual({ what: 'tunnel', instance: UUID, port: 22 });
    expect(get(`/snapshots/${UUID}`)).toEqual({ what: 'snapshot', id: UUID });
  });

  test.each([
    '/',
    '/instances/../../../../../../../../etc/passwd/console',
    `/instances/${UUID}/console/..`,
    `/instances/${'.'.repeat(36)}/console`,
    `/instances/${UUID}/tunnel`,
    '/snapshots/../../../../../../../etc/passwd',
    `/snapshots/${'.'.repeat(36)}`,
    `/instances/${UUID}/tunnel?port=0`,
    `/instances/${UUID}/tunnel?port=65536`,
    `/instances/${UUID}/tunnel?port=22x`,
    `/instances/${UUID}/input`,
    `/instances/${UUID}/input?by=`,
    `/instances/${UUID}/input?by=a%0ab`,
    `/instances/${UUID}/input?by=${'a'.repeat(101)}`,
    `/instances/${UUID}/console?tail=-1`,
    `/instances/${UUID}/console?tail=1e3`,
    `/instances/${UUID}/console?from=../x:1`,
    `/instances/${UUID}/console?from=1-2:-1`,
  ])('refuses %s', (url) => {
    expect(() => get(url)).toThrow(expect.objectContaining({ code: 'ECOMPUTE_REQUEST_INVALID' }));
  });

  test('refuses what is no GET', () => {
    expect(() => parseRoute({ method: 'DELETE', url: `/instances/${UUID}/console` })).toThrow('serves nothing');
  });
});
