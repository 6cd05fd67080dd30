import type { Report } from '../state/report.js';
import type { Action, Server } from '../state/server-record.js';

/** How an action ended. */
interface End {
  readonly at: string;
  /** Null: well. */
  readonly fault: string | null;
}

/**
 * The server with the end of all actions that are over by now, as the record of its instance tells. Pure: what is shown of a server is always
 * settled, and whoever finds that it differs from what is stored writes it.
 */
export const settle = (server: Server, report: Report | undefined): Server => {
  if (!report || !server.actions.some(isOpen)) return server;
  return server.actions
    .filter(isOpen)
    .toReversed()
    .reduce((settled, action) => {
      const end = endOf(action, report);
      return end ? finish(settled, action, end) : settled;
    }, server);
};

export const isOpen = ({ finished_at }: Action): boolean => finished_at === null;

export const isBuilt = ({ state }: Report): boolean =>
  state === 'active' || state === 'stopped' || state === 'suspended';

const endOf = ({ action, count }: Action, report: Report): End | undefined => {
  const at = report.updated_at;
  if (action === 'delete') return undefined;
  if (count !== null && report.wish_count >= count) {
    const outcome = report.outcomes.find((one) => one.count === count);
    return { at: outcome?.at ?? at, fault: outcome?.fault?.message ?? null };
  }
  // What could not be built, or is lost, carries out nothing.
  if (report.state === 'error' && !report.canMoveOn) return { at, fault: report.fault?.message ?? 'it is in error' };
  const isMade = count === null && (action === 'create' || action === 'unshelve');
  return isMade && isBuilt(report) ? { at, fault: null } : undefined;
};

/** The server with an action that is over. */
export const finish = (server: Server, action: Action, { at, fault }: End): Server => {
  const done: Action = { ...action, finished_at: at, result: fault === null ? 'Success' : 'Error', message: fault };
  const actions = server.actions.map((one) => (one === action ? done : one));
  const after = { ...server, ...sequelOf(server, { action: action.action, at, isWell: fault === null }), actions };
  return { ...after, updated_at: at > server.updated_at ? at : server.updated_at };
};

/** What else changes with the end of an action. */
const sequelOf = (
  { resize, flavor, launched_at }: Server,
  { action, at, isWell }: { action: string; at: string; isWell: boolean },
): Partial<Server> => {
  if (action === 'create' && isWell) return { launched_at: launched_at ?? at };
  if (!resize) return {};
  if (action === 'resize')
    return isWell ? { flavor: resize.flavor, resize: { phase: 'verify', flavor } } : { resize: null };
  if (action === 'revertResize')
    return isWell ? { flavor: resize.flavor, resize: null } : { resize: { ...resize, phase: 'verify' } };
  return {};
};
