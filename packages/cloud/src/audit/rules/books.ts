import { isDestroyWish } from '@etcd-compute/common/etcd/messages/boot-request';
import type { InstanceLocation } from '@etcd-compute/common/etcd/messages/instance-location';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Finding } from '../finding.js';
import { leftKey, NOTHING_MORE, type Rule, type World } from '../world.js';

/* Locations, names and endings: what schedulers write about an instance, beside its request. */

/** Nothing is left of it but, maybe, that it was there. */
const isGone = (world: World, instance: InstanceUuid): boolean =>
  world.requestsOf(instance).length === 0 && !world.liveRecord(instance);

/** Its books were never opened to be closed, or its keys were removed by hand. */
export const findLocations: Rule = (world) =>
  [...world.locations].flatMap(([instance, { value, modRevision, isLeased }]): Finding[] => {
    if (value === 'not-understood' || isLeased || world.endings.has(instance)) return [];
    if (!isGone(world, instance)) return findAstray(world, instance, value);
    const { host } = value;
    const alsoLeft = world
      .namesOf(instance)
      .map((one) => ({ key: world.keys.name(one.project, one.name), modRevision: one.modRevision }));
    const guards = [{ key: world.keys.request(host, instance), modRevision: '0' }];
    const kind = 'location-without-instance';
    return [leftKey({ kind, instance, host, key: world.keys.location(instance), modRevision, alsoLeft, guards })];
  });

const findAstray = (world: World, instance: InstanceUuid, { host }: InstanceLocation): Finding[] => {
  const [request] = world.requestsOf(instance);
  if (!request || world.requestAt(host, instance) || world.recordAt(host, instance)) return [];
  const key = world.keys.location(instance);
  return [
    {
      ...NOTHING_MORE,
      kind: 'location-without-instance',
      instance,
      host,
      detail: `${key} says that it is here, and its request is at host ${request.host}`,
      evidence: `${world.locations.get(instance)?.modRevision} ${request.modRevision}`,
      mend: { by: 'person', hint: `see where its guest runs, and put the right host into ${key} with etcdctl` },
    },
  ];
};

export const findNames: Rule = (world) =>
  world.names.flatMap(({ project, name, value, modRevision }): Finding[] => {
    if (value === 'not-understood') return [];
    const { instance } = value;
    const location = world.locations.get(instance);
    const isOf = (of: NonNullable<typeof location>): boolean =>
      of.value === 'not-understood' || (of.value.project === project && (of.value.name === name || instance === name));
    if (location ? isOf(location) : world.endings.has(instance)) return [];
    const key = world.keys.name(project, name);
    const guards = [{ key: world.keys.location(instance), modRevision: location?.modRevision ?? '0' }];
    return [leftKey({ kind: 'name-without-instance', instance, host: null, key, modRevision, guards })];
  });

/**
 * An instance that lives and cannot be found by its name: two had it in version 1, or its key was removed by hand. One without a name
 * stands in its project under its uuid.
 */
export const findNameless: Rule = (world) =>
  [...world.locations].flatMap(([instance, { value, modRevision }]): Finding[] => {
    if (value === 'not-understood') return [];
    const { project, host } = value;
    const name = value.name ?? instance;
    const request = world.requestAt(host, instance)?.value;
    if (!request || request === 'not-understood' || isDestroyWish(request)) return [];
    const holder = world.holderOf(project, name);
    if (holder && (holder.value === 'not-understood' || holder.value.instance === instance)) return [];
    const key = world.keys.name(project, name);
    const owner = holder?.value === 'not-understood' ? undefined : holder?.value.instance;
    return [
      {
        ...NOTHING_MORE,
        kind: 'instance-without-name',
        instance,
        host,
        detail: owner === undefined ? `there is no ${key}` : `its name ${name} is that of instance ${owner}`,
        evidence: `${modRevision} ${holder?.modRevision}`,
        mend:
          owner === undefined
            ? { by: 'name', key, guards: [{ key: world.keys.location(instance), modRevision }] }
            : {
                by: 'person',
                hint: `it is known by its uuid alone; destroy one of the two, and boot it by another name`,
              },
      },
    ];
  });

/** Nothing but its keys shows that such an instance ever existed. */
export const findEndings: Rule = (world) =>
  [...world.endings].flatMap(([instance, { value, modRevision }]): Finding[] => {
    const isOver = isGone(world, instance) && !world.locations.has(instance) && world.namesOf(instance).length === 0;
    if (value === 'not-understood' || !isOver) return [];
    const { host } = value;
    const guards = [{ key: world.keys.request(host, instance), modRevision: '0' }];
    const key = world.keys.ending(instance);
    return [leftKey({ kind: 'ending-without-instance', instance, host, key, modRevision, guards })];
  });
