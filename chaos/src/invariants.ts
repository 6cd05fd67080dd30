import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Foreign } from './foreign.js';
import type { Ledger, Story } from './ledger.js';
import type { World, WorldHost, WorldRequest } from './world.js';

/**
 * What must hold once everything is back and a reconcile period has passed. Pure: a world and what people were told in, violations
 * out.
 */
export interface Violation {
  /** Which rule: one of a few words, for counting. */
  readonly rule: string;
  readonly what: string;
  readonly instance?: string;
}

export interface Judged {
  readonly world: World;
  readonly ledger: Ledger;
  /** What was there before, and is nobody's business here. */
  readonly foreign: Foreign;
}

type Rule = (judged: Judged) => Violation[];

export const findViolations = (judged: Judged): Violation[] => RULES.flatMap((rule) => rule(judged));

const requestOf = (world: World, instance: string): WorldRequest | undefined =>
  world.requests.find((request) => request.instance === instance && !request.isDestroy);

const recordOf = (world: World, instance: string): InstanceRecord | undefined =>
  world.records.find((record) => record.instance === instance);

const domainsOf = (world: World): (WorldHost['domains'][number] & { host: string })[] =>
  world.hosts.flatMap(({ host, domains }) =>
    domains.filter(({ isOurs }) => isOurs).map((domain) => ({ ...domain, host })),
  );

/** A failed build has been undone: its instance holds nothing, and its request waits for a person. */
const isBuilt = (record: InstanceRecord | undefined): boolean =>
  record?.state === 'active' || record?.state === 'stopped';

const findRecordOfStory = (world: World, { name, instance }: Story): InstanceRecord | undefined =>
  world.records.find((record) => record.instance === instance || (instance === undefined && record.name === name));

/** What people were told is what there is. */
const toldIsTrue: Rule = ({ world, ledger }) =>
  [...ledger.values()].flatMap((story): Violation[] => {
    const record = findRecordOfStory(world, story);
    const { name, boot, destroy } = story;
    const instance = record?.instance ?? story.instance;
    const violation = (rule: string, what: string): Violation => ({
      rule,
      what: `${name}: ${what}`,
      ...(instance !== undefined && { instance }),
    });
    if (boot === 'accepted' && !record)
      return [violation('request lost', 'its boot was accepted, and it has no record')];
    if (boot === 'refused' && record)
      return [violation('refused and booted', `eschedule said that it did not boot, and it is ${record.state}`)];
    if (!record) return [];
    if (record.state === 'deleted' && destroy === 'not-asked')
      return [violation('request lost', 'nobody asked for its end, and it is deleted')];
    if (record.state !== 'deleted' && destroy === 'accepted')
      return [violation('destroy lost', `its end was accepted, and it is ${record.state}`)];
    return [];
  });

/** What the faults here can do to a build. Anything else is our own mistake: a domain lost, an image refused, an internal error. */
const FAULTS_OF_BUILDS: readonly string[] = [
  'ECOMPUTE_DISK_FAILED',
  'ECOMPUTE_DOMAIN_FAILED',
  'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
  'ECOMPUTE_IMAGE_NO_SPACE',
  'ECOMPUTE_IMAGE_TIMED_OUT',
  'ECOMPUTE_PLACEMENT_FAILED',
  'ECOMPUTE_STEP_TIMED_OUT',
];

const SETTLED: readonly InstanceRecord['state'][] = ['active', 'stopped', 'error', 'deleted'];

const recordsAreSettled: Rule = ({ world }) =>
  world.records.flatMap((record): Violation[] => {
    const { instance, state, fault } = record;
    if (!SETTLED.includes(state)) return [{ rule: 'not settled', instance, what: `the record still says ${state}` }];
    if (state !== 'error') return [];
    if (!fault) return [{ rule: 'error without a reason', instance, what: 'the record says error, and not why' }];
    if (!FAULTS_OF_BUILDS.includes(fault.code))
      return [{ rule: 'wrong fault', instance, what: `${fault.code}: ${fault.message}` }];
    return [];
  });

const recordsHaveRequests: Rule = ({ world }) =>
  world.records.flatMap(({ instance, host, state }): Violation[] => {
    const request = world.requests.find((candidate) => candidate.instance === instance);
    if (state === 'deleted')
      return request ? [{ rule: 'request left', instance, what: 'it is deleted, and its request is still there' }] : [];
    if (!request) return [{ rule: 'record without request', instance, what: `it is ${state}, and nobody wishes it` }];
    if (request.host === host) return [];
    return [{ rule: 'wrong host', instance, what: `its request is on ${request.host}, its record on ${host}` }];
  });

/** An instance is where its location says, and nothing says of another one that it is anywhere. */
const locationsAreTrue: Rule = ({ world }) => [
  ...world.requests
    .filter(({ instance, host }) => world.locations.get(instance)?.host !== host)
    .map(({ instance, host }) => ({
      rule: 'untrue location',
      instance,
      what: `it is wished on ${host}, and its location says ${world.locations.get(instance)?.host ?? 'nothing'}`,
    })),
  // What is deleted is kept with its record, for an hour.
  ...[...world.locations.keys()]
    .filter((instance) => !recordOf(world, instance) && !world.requests.some((one) => one.instance === instance))
    .map((instance) => ({ rule: 'location left', instance, what: 'nothing else is known of it' })),
];

/** Every instance that lives has its name for itself; the names of others are free. */
const namesAreTrue: Rule = ({ world }) => {
  const holderOf = ({ project, name }: { project: string; name: string }): string | undefined =>
    world.names.find((candidate) => candidate.project === project && candidate.name === name)?.instance;
  const wanted = world.requests.flatMap(({ instance }) => {
    const location = world.locations.get(instance);
    if (!location || location.name === null) return [];
    return [{ instance, project: location.project, name: location.name }];
  });
  return [
    ...wanted
      .filter((one) => holderOf(one) !== one.instance)
      .map((one) => ({
        rule: 'name lost',
        instance: one.instance,
        what: `${one.name} is held by ${holderOf(one) ?? 'nobody'}`,
      })),
    ...world.names
      .filter(({ instance, name }) => !wanted.some((one) => one.instance === instance && one.name === name))
      .map(({ instance, name }) => ({ rule: 'name left', instance, what: `${name} is held, and nobody wishes it` })),
  ];
};

const booksAreClosed: Rule = ({ world }) =>
  world.endings.map((instance) => ({ rule: 'books open', instance, what: 'its end was asked for, and is not noted' }));

const requestsHaveRecords: Rule = ({ world }) =>
  world.requests
    .filter(({ instance }) => !recordOf(world, instance))
    .map(({ instance, host }) => ({ rule: 'request without record', instance, what: `on host ${host}` }));

const domainsAreTrue: Rule = ({ world }) => {
  const domains = domainsOf(world);
  const forRecords = world.records
    .filter((record) => isBuilt(record))
    .flatMap(({ instance, host, state }): Violation[] => {
      const domain = domains.find((candidate) => candidate.uuid === instance && candidate.host === host);
      const wanted = state === 'active' ? 'running' : 'shut-off';
      if (domain?.state === wanted) return [];
      return [
        { rule: 'untrue record', instance, what: `it is ${state}, and its domain is ${domain?.state ?? 'absent'}` },
      ];
    });
  const withoutRequest = domains
    .filter(({ uuid }) => !requestOf(world, uuid) || !isBuilt(recordOf(world, uuid)))
    .map(({ uuid, host }) => ({
      rule: 'domain left',
      instance: uuid,
      what: `a domain on ${host}, and the record says ${recordOf(world, uuid)?.state ?? 'nothing'}`,
    }));
  return [...forRecords, ...withoutRequest];
};

/** Guests do nothing by themselves here: each is on or off as was asked for last, and on when nobody asked. */
const powerIsAsWished: Rule = ({ world }) =>
  world.records
    .filter((record) => isBuilt(record))
    .flatMap(({ instance, state, power_count }): Violation[] => {
      const power = requestOf(world, instance)?.power;
      const wanted = power?.wish === 'stopped' ? 'stopped' : 'active';
      if (power && power_count !== power.count)
        return [
          { rule: 'power wish lost', instance, what: `${power.wish} (${power.count}), carried out: ${power_count}` },
        ];
      return state === wanted
        ? []
        : [{ rule: 'power not as wished', instance, what: `wished ${wanted}, it is ${state}` }];
    });

const allocationsMatchRequests: Rule = ({ world, foreign }) => {
  const ours = world.allocations.filter(({ consumer }) => consumer !== foreign.consumer);
  const left = ours
    .filter(({ consumer, host }) => requestOf(world, consumer)?.host !== host || !isBuilt(recordOf(world, consumer)))
    .map(({ consumer, host }) => ({
      rule: 'allocation left',
      instance: consumer,
      what: `on ${host}, and the record says ${recordOf(world, consumer)?.state ?? 'nothing'}`,
    }));
  const missing = world.requests
    .filter(({ instance, isDestroy }) => !isDestroy && isBuilt(recordOf(world, instance)))
    .flatMap(({ instance, host, allocations }): Violation[] => {
      const wanted = JSON.stringify(sorted(allocations[host]?.resources ?? {}));
      const held = ours.find(({ consumer, host: at }) => consumer === instance && at === host);
      if (held && JSON.stringify(sorted(held.resources)) === wanted) return [];
      const rule = held ? 'wrong allocation' : 'request without allocation';
      return [{ rule, instance, what: `on ${host}: wished ${wanted}, held ${JSON.stringify(held?.resources ?? {})}` }];
    });
  return [...left, ...missing];
};

const sorted = (resources: Readonly<Record<string, number>>): [string, number][] =>
  Object.entries(resources).toSorted(([a], [b]) => a.localeCompare(b));

const filesBelongToInstances: Rule = ({ world }) =>
  world.hosts.flatMap(({ host, disks, files, partialImages }): Violation[] => {
    const isWanted = (name: string): boolean => {
      const instance = name.replace(/\.[a-z]+$/, '');
      return requestOf(world, instance)?.host === host && isBuilt(recordOf(world, instance));
    };
    const leftover =
      (rule: string) =>
      (name: string): Violation => ({ rule, instance: name.replace(/\.[a-z]+$/, ''), what: `${name} on ${host}` });
    return [
      ...disks.filter((name) => !isWanted(name)).map(leftover('disk left')),
      ...files.filter((name) => !isWanted(name)).map(leftover('file left')),
      ...partialImages.map((name) => ({ rule: 'partial image left', what: `${name} on ${host}` })),
    ];
  });

/** One instance, one host; one address, one guest. Never to be broken, not even for a moment. */
export const findDoubles = (world: Pick<World, 'hosts' | 'requests'>): Violation[] => [
  ...doublesOf(
    world.hosts.flatMap(({ host, domains }) => domains.filter(({ isOurs }) => isOurs).map(({ uuid }) => [uuid, host])),
    'on two hosts',
  ),
  ...doublesOf(
    world.requests.map(({ instance, host }) => [instance, host]),
    'wished on two hosts',
  ),
  ...world.hosts.flatMap(({ domains }) =>
    doublesOf(
      domains.flatMap(({ uuid, macs }) => macs.map((mac): [string, string] => [mac, uuid])),
      'address twice',
    ),
  ),
];

const doublesOf = (pairs: readonly (readonly [string, string])[], rule: string): Violation[] => {
  const byKey = new Map<string, string[]>();
  for (const [key, value] of pairs) byKey.set(key, [...(byKey.get(key) ?? []), value]);
  return [...byKey]
    .filter(([, values]) => values.length > 1)
    .map(([key, values]) => ({ rule, instance: key, what: `${key}: ${values.join(' and ')}` }));
};

const addressesAreTrue: Rule = ({ world }) => {
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
const addressesAreThoseOfTheNetwork: Rule = ({ world }) =>
  world.hosts.flatMap(({ domains, reserved }) =>
    domains.flatMap(({ uuid, macs, isOurs }): Violation[] => {
      const record = recordOf(world, uuid);
      if (!reserved || !isOurs || record?.state !== 'active') return [];
      const kept = macs.map((mac) => reserved.get(mac.toLowerCase()) ?? 'none').join(' ');
      const told = record.addresses.map(({ address }) => address).join(' ');
      if (kept === told) return [];
      return [{ rule: 'untrue address', instance: uuid, what: `the network keeps ${kept}, the record has ${told}` }];
    }),
  );

const agentsArePresent: Rule = ({ world }) =>
  world.hosts
    .filter(({ host, agentPid }) => world.presences.get(host) !== agentPid)
    .map(({ host, agentPid }) => ({
      rule: 'agent away',
      what: `the presence of host ${host} is not that of its agent, process ${agentPid}`,
    }));

const hostsCanWork: Rule = ({ world }) =>
  [...world.troubles].map(([host, { code, message }]) => ({
    rule: 'host in trouble',
    what: `${host}: ${code}: ${message}`,
  }));

/** What an agent keeps under its host's uuid is its own business; everything else belongs to an instance, and goes with it. */
const keysHaveOwners: Rule = ({ world, foreign }) =>
  [...world.otherKeys.keys()]
    .filter((key) => key !== foreign.key && !world.hosts.some(({ host }) => key.includes(host)))
    .map((key) => ({ rule: 'key left', what: key }));

/** The agents look for the same things by themselves, and must not find what is not there. */
const auditsFindNothing: Rule = ({ world }) =>
  [...world.findings].flatMap(([host, findings]) =>
    findings.map(({ kind, instance, detail }) => ({
      rule: 'audit finding',
      what: `${kind} on ${host}: ${detail}`,
      ...(instance !== undefined && { instance }),
    })),
  );

const foreignIsUntouched: Rule = ({ world, foreign }) => {
  const violations: Violation[] = [];
  const touched = (what: string): void => void violations.push({ rule: 'foreign thing touched', what });
  if (world.otherKeys.get(foreign.key) !== foreign.value) touched(`the key ${foreign.key}`);
  for (const { host, domains } of world.hosts) {
    const domain = domains.find(({ uuid }) => uuid === foreign.domains.get(host));
    if (domain?.state !== 'running') touched(`the domain ${foreign.domains.get(host) ?? '?'} on ${host}`);
    const held = world.allocations.find(({ consumer, host: at }) => consumer === foreign.consumer && at === host);
    if (JSON.stringify(held?.resources) !== JSON.stringify(foreign.resources)) touched(`the allocation on ${host}`);
  }
  return violations;
};

const RULES: readonly Rule[] = [
  toldIsTrue,
  recordsAreSettled,
  recordsHaveRequests,
  requestsHaveRecords,
  locationsAreTrue,
  namesAreTrue,
  booksAreClosed,
  domainsAreTrue,
  powerIsAsWished,
  allocationsMatchRequests,
  filesBelongToInstances,
  ({ world }) => findDoubles(world),
  addressesAreTrue,
  addressesAreThoseOfTheNetwork,
  agentsArePresent,
  hostsCanWork,
  auditsFindNothing,
  keysHaveOwners,
  foreignIsUntouched,
];
