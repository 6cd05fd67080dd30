import { describe, expect, it } from 'vitest';
import { LibvirtError, ReleasedError, isLibvirtError } from '@etcd-compute/libvirt/errors';

const failure = { code: 42, domain: 10, level: 2, message: 'Domain not found', functionName: 'virDomainLookupByName' };

describe('errors', () => {
  it('name libvirt’s numbers', () => {
    expect(new LibvirtError(failure)).toMatchObject({
      name: 'LibvirtError',
      message: 'Domain not found',
      code: 'VIR_ERR_NO_DOMAIN',
      codeNumber: 42,
      domain: 'VIR_FROM_QEMU',
      level: 'error',
      functionName: 'virDomainLookupByName',
    });
  });

  it.each([
    [0, 'VIR_ERR_OK'],
    [38, 'VIR_ERR_SYSTEM_ERROR'],
    [41, 'VIR_WAR_NO_NETWORK'],
    [110, 'VIR_ERR_MULTIPLE_DOMAINS'],
    [9999, 'VIR_ERR_9999'],
  ])('code %i is %s', (code, name) => {
    expect(new LibvirtError({ ...failure, code }).code).toBe(name);
  });

  it('give a number for what is newer than this package', () => {
    expect(new LibvirtError({ ...failure, domain: 9999, level: 7 })).toMatchObject({
      domain: 'VIR_FROM_9999',
      level: '7',
    });
  });

  it('are recognised by code', () => {
    expect(isLibvirtError(new LibvirtError(failure), 'VIR_ERR_NO_DOMAIN')).toBe(true);
    expect(isLibvirtError(new LibvirtError(failure), 'VIR_ERR_NO_NETWORK')).toBe(false);
    expect(isLibvirtError(new ReleasedError('domainCreate', 'domain a'), 'VIR_ERR_NO_DOMAIN')).toBe(false);
  });
});
