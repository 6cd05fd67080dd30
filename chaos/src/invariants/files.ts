import { isBuilt, recordOf, requestOf, type Rule, type Violation } from './rule.js';

export const filesBelongToInstances: Rule = ({ world }) =>
  world.hosts.flatMap(({ host, disks, files }): Violation[] => {
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
    ];
  });
