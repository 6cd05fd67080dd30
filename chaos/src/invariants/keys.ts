import { recordOf, type Rule } from './rule.js';

/** An instance is where its location says, and nothing says of another one that it is anywhere. */
export const locationsAreTrue: Rule = ({ world }) => [
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

/** Every instance that lives has its name for itself, or stands under its uuid; the names of others are free. */
export const namesAreTrue: Rule = ({ world }) => {
  const holderOf = ({ project, name }: { project: string; name: string }): string | undefined =>
    world.names.find((candidate) => candidate.project === project && candidate.name === name)?.instance;
  const wanted = world.requests.flatMap(({ instance }) => {
    const location = world.locations.get(instance);
    return location ? [{ instance, project: location.project, name: location.name ?? instance }] : [];
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
      // What is deleted is remembered under its uuid, for an hour.
      .filter(({ instance, name }) => name !== instance || recordOf(world, instance)?.state !== 'deleted')
      .map(({ instance, name }) => ({ rule: 'name left', instance, what: `${name} is held, and nobody wishes it` })),
  ];
};

export const booksAreClosed: Rule = ({ world }) =>
  world.endings.map((instance) => ({ rule: 'books open', instance, what: 'its end was asked for, and is not noted' }));

/** What an agent keeps under its host's uuid is its own business; everything else belongs to an instance, and goes with it. */
export const keysHaveOwners: Rule = ({ world, foreign }) =>
  [...world.otherKeys.keys()]
    // The name of a snapshot that could not be taken is free, and stays until somebody takes it.
    .filter((key) => !key.startsWith('/snapshots/'))
    .filter((key) => key !== foreign.key && !world.hosts.some(({ host }) => key.includes(host)))
    .map((key) => ({ rule: 'key left', what: key }));
