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

/** An instance that was booted with a checksum is on the image of that checksum, or was not built. */
export const imagesAreAsAskedFor: Rule = ({ world }) =>
  world.requests.flatMap(({ instance, host, isDestroy, checksum }): Violation[] => {
    if (checksum === undefined || isDestroy || !isBuilt(recordOf(world, instance))) return [];
    const backing = world.hosts.find((one) => one.host === host)?.backings.get(`${instance}.img`);
    if (checksum === `sha256:${backing}`) return [];
    return [{ rule: 'wrong image', instance, what: `${checksum} was asked for, its disk is on ${backing ?? 'none'}` }];
  });

export const imageCachesAreTidy: Rule = ({ world }) =>
  world.hosts.flatMap(({ host, images }) =>
    images.useless.map((name) => ({ rule: 'image file left', what: `${name} in the image cache of ${host}` })),
  );
