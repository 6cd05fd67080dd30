import { doublesOf } from './doubles.js';
import { isBuilt, recordOf, type Rule, type Violation } from './rule.js';

export const addressesAreTrue: Rule = ({ world }) => {
  const addressed = world.records.filter((record) => isBuilt(record));
  const twice = world.hosts.flatMap(({ host }) =>
    doublesOf(
      addressed
        .filter((record) => record.host === host)
        .flatMap(({ instance, addresses }) => addresses.map(({ address }): [string, string] => [address, instance])),
      'address twice',
    ),
  );
  const keysLeft = [...world.booted.keys()]
    .filter((instance) => !isBuilt(recordOf(world, instance)))
    .map((instance) => ({ rule: 'booted key left', instance, what: `/booted/${instance}` }));
  const untrue = addressed.flatMap(({ instance, addresses }): Violation[] => {
    const [first] = addresses;
    const booted = world.booted.get(instance);
    if (booted === first?.address) return [];
    return [
      {
        rule: 'untrue booted key',
        instance,
        what: `${booted ?? 'none'}, and the record has ${first?.address ?? 'none'}`,
      },
    ];
  });
  const off = world.records
    .filter(({ state, addresses }) => state !== 'active' && addresses.length > 0)
    .map(({ instance, state }) => ({
      rule: 'address while off',
      instance,
      what: `it is ${state}, and has an address`,
    }));
  return [...twice, ...keysLeft, ...untrue, ...off];
};

/** A guest that runs has exactly the address that the network keeps for it. */
export const addressesAreThoseOfTheNetwork: Rule = ({ world }) =>
  world.hosts.flatMap(({ domains, reserved }) =>
    domains.flatMap(({ uuid, interfaces, isOurs }): Violation[] => {
      const record = recordOf(world, uuid);
      if (!reserved || !isOurs || record?.state !== 'active') return [];
      const kept = interfaces.map(({ mac }) => reserved.get(mac) ?? 'none').join(' ');
      const told = record.addresses.map(({ address }) => address).join(' ');
      if (kept === told) return [];
      return [{ rule: 'untrue address', instance: uuid, what: `the network keeps ${kept}, the record has ${told}` }];
    }),
  );
