import { serverNames } from '../../api/api-ledger.js';
import type { Rule, Violation } from '../rule.js';

/** What clients of eapi were told is what there is. */
export const serversAreAsTold: Rule = ({ world, told }) => {
  const servers = [...world.api.servers.values()];
  const created = [...told.creates].flatMap(([name, create]): Violation[] => {
    const named = new Set(serverNames(name, create));
    const own = servers.filter((server) => named.has(server.name));
    const violation = (rule: string, what: string): Violation => ({
      rule,
      what: `${name}: ${what}`,
      ...(own[0] && { instance: own[0].id }),
    });
    if (create.answer === 'accepted' && own.length < create.least)
      return [violation('server lost', `${create.least} were accepted, and there are ${own.length}`)];
    if (create.answer === 'refused' && own.some(({ deleted_at }) => deleted_at === null))
      return [violation('refused and made', 'it was refused, and is there')];
    if (create.answer !== 'accepted') return [];
    return own
      .filter(({ id, deleting_at }) => deleting_at !== null && !told.deletesAsked.has(id))
      .map(({ id }) => ({
        rule: 'server lost',
        instance: id,
        what: `${name}: nobody asked for its end, and it is deleted`,
      }));
  });
  const deleted = servers
    .filter(({ id, deleted_at }) => told.deletesAccepted.has(id) && deleted_at === null)
    .map(({ id, name }) => ({
      rule: 'delete lost',
      instance: id,
      what: `${name}: its end was accepted, and it is there`,
    }));
  return [...created, ...deleted];
};

/** Images that were taken are there until somebody deletes them; those that were deleted are not. */
export const imagesAreAsTold: Rule = ({ world, told }) => {
  const images = new Map(world.api.images().map((image) => [image.id, image]));
  return [
    ...[...told.uploaded]
      .filter((id) => !told.deletesAsked.has(id) && images.get(id)?.status !== 'active')
      .map((id) => ({
        rule: 'image lost',
        what: `${id}: its content was taken, and it is ${images.get(id)?.status ?? 'gone'}`,
      })),
    ...[...told.deletesAccepted]
      .filter((id) => images.has(id))
      .map((id) => ({ rule: 'delete lost', what: `image ${id}: its end was accepted, and it is there` })),
  ];
};
