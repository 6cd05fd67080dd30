export type IpFamily = 'ipv4' | 'ipv6';

/** virIPAddrType: 0 and 1. */
export function ipFamily(type: number): IpFamily {
  return type === 1 ? 'ipv6' : 'ipv4';
}
