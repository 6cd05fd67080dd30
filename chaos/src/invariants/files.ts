import { isBuilt, recordOf, requestOf, type Rule, type Violation } from './rule.js';

/** Of a file that is named by its instance. */
const instanceOf = (name: string): string => name.slice(0, 36);

export const filesBelongToInstances: Rule = ({ world }) => {
  const wanted = world.requests.filter(({ instance }) => isBuilt(recordOf(world, instance)));
  return world.hosts.flatMap(({ host, disks, files }): Violation[] => {
    const isWanted = (name: string): boolean =>
      requestOf(world, instanceOf(name))?.host === host && isBuilt(recordOf(world, instanceOf(name)));
    const wantedDisks = new Set(wanted.filter((request) => request.host === host).flatMap((request) => request.disks));
    const violation =
      (rule: string) =>
      (name: string): Violation => ({ rule, instance: instanceOf(name), what: `${name} on ${host}` });
    return [
      ...disks.filter((name) => !wantedDisks.has(name)).map(violation('disk left')),
      ...[...wantedDisks].filter((name) => !disks.includes(name)).map(violation('disk lost')),
      ...files.filter((name) => !isWanted(name)).map(violation('file left')),
    ];
  });
};
