import { isLive } from '@etcd-compute/common/audit/rules';
import type { Finding } from '../finding.js';
import { deletion, leftKey, NOTHING_MORE, type Rule } from '../world.js';

export const findRecords: Rule = (world) =>
  world.records.flatMap(({ host, instance, key, value, modRevision }): Finding[] => {
    if (value === 'not-understood' || !isLive(value) || world.requestAt(host, instance)) return [];
    const [astray] = world.requestsOf(instance);
    const requestKey = world.keys.request(host, instance);
    return [
      {
        ...NOTHING_MORE,
        kind: 'record-without-request',
        instance,
        host,
        detail: `the record says ${value.state}`,
        evidence: modRevision,
        mend: astray
          ? {
              by: 'person',
              hint: `its request is at host ${astray.host}: look with etcdctl at ${world.keys.request(astray.host, instance)} and ${key}, and remove the one that is wrong`,
            }
          : deletion(world, {
              instance,
              host,
              keys: [key],
              guards: [
                { key: requestKey, modRevision: '0' },
                { key, modRevision },
              ],
            }),
      },
    ];
  });

export const findAddresses: Rule = (world) =>
  [...world.booted].flatMap(([instance, modRevision]): Finding[] => {
    if (world.requestsOf(instance).length > 0 || world.liveRecord(instance)) return [];
    const key = world.keys.booted(instance);
    return [leftKey({ kind: 'address-without-instance', instance, host: null, key, modRevision })];
  });
