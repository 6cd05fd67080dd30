import { DEFAULT_PROJECT } from '@etcd-compute/common/ids';
import { seeServers } from '../../api/choose-server.js';
import { recordOf, requestOf, type Rule, type Violation } from '../rule.js';

/** A server and its instance are there together, or neither is. */
export const serversAreWhole: Rule = ({ world }) => {
  const { servers } = world.api;
  const withoutServer = world.requests.flatMap(({ instance }): Violation[] => {
    const project = world.locations.get(instance)?.project ?? DEFAULT_PROJECT;
    const server = servers.get(instance);
    if (project === DEFAULT_PROJECT || (server?.deleted_at === null && server.is_placed)) return [];
    return [
      { rule: 'instance without server', instance, what: server ? 'its server is deleted' : `in project ${project}` },
    ];
  });
  const withoutInstance = [...servers.values()]
    .filter(({ deleted_at, is_placed }) => deleted_at === null && is_placed)
    .filter(({ id }) => !requestOf(world, id) || !recordOf(world, id))
    .map(({ id, name }) => ({ rule: 'server without instance', instance: id, what: name }));
  const unreadable = world.api.unreadable.map((what) => ({ rule: 'record not readable', what }));
  return [...withoutServer, ...withoutInstance, ...unreadable];
};

/** Nothing is under way any more, and an error has a reason. */
export const serversAreSettled: Rule = ({ world }) =>
  seeServers(world).flatMap(({ server, status }): Violation[] => {
    const { id: instance, name, actions, fault } = server;
    const violation = (rule: string, what: string): Violation => ({ rule, instance, what: `${name}: ${what}` });
    const { vmState, taskState } = status;
    const open = actions.filter(({ finished_at }) => finished_at === null).map(({ action }) => action);
    if (vmState === 'error' && !fault && !recordOf(world, instance)?.fault)
      return [violation('error without a reason', 'it is in ERROR, and nothing says why')];
    if (vmState === 'building' || taskState !== null || open.length > 0)
      return [
        violation('server stuck', `${vmState}, ${taskState ?? 'no task'}, under way: ${open.join(' ') || 'nothing'}`),
      ];
    return [];
  });
