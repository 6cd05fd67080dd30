import { MAX_TRANSITIONS, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { isBuilt, recordOf, type Rule, type Violation } from './rule.js';

/** Without its image, a disk is lost. */
export const imagesOfDisksAreThere: Rule = ({ world }) =>
  world.hosts.flatMap(({ host, images, backings }) =>
    [...backings]
      .filter(([, sha256]) => !images.contents.includes(sha256))
      .map(([disk, sha256]) => ({
        rule: 'image missing',
        instance: disk.replace(/\.img$/, ''),
        what: `${disk} on ${host} is on ${sha256}, which is not in the cache`,
      })),
  );

/** Without its copies, a shelved instance is lost. */
export const copiesAreThere: Rule = ({ world }) =>
  world.requests.flatMap(({ instance, isDestroy, copies }) =>
    copies
      .filter(({ sha256, source }) => {
        const holder = world.hosts.find(({ host }) => host === source.host);
        return !isDestroy && !holder?.images.contents.includes(sha256);
      })
      .map(({ disk, source }) => ({
        rule: 'copy lost',
        instance,
        what: `the copy of its disk ${disk} is not in the cache of ${source.host}`,
      })),
  );

/** It may have been shelved: then its disk is on a copy. */
const wasShelved = ({ transitions }: InstanceRecord): boolean =>
  transitions.length === MAX_TRANSITIONS || transitions.some(({ state }) => state === 'shelved');

/** An instance that was booted with a checksum is on the image of that checksum, or was not built. */
export const imagesAreAsAskedFor: Rule = ({ world }) =>
  world.requests.flatMap(({ instance, host, isDestroy, checksum }): Violation[] => {
    const record = recordOf(world, instance);
    if (checksum === undefined || isDestroy || !record || !isBuilt(record) || wasShelved(record)) return [];
    const backing = world.hosts.find((one) => one.host === host)?.backings.get(`${instance}.img`);
    if (checksum === `sha256:${backing}`) return [];
    return [{ rule: 'wrong image', instance, what: `${checksum} was asked for, its disk is on ${backing ?? 'none'}` }];
  });

export const imageCachesAreTidy: Rule = ({ world }) =>
  world.hosts.flatMap(({ host, images }) =>
    images.useless.map((name) => ({ rule: 'image file left', what: `${name} in the image cache of ${host}` })),
  );
