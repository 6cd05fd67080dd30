import { badRequest, conflict } from '../../../http/http-error.js';
import type { Servers } from '../servers.js';
import type { Target } from './ask-server.js';

/** The kinds of consoles that Nova has, by what clients are to speak, with the first version that has them. */
export const CONSOLE_TYPES = {
  vnc: { types: ['novnc', 'xvpvnc'], since: 6 },
  spice: { types: ['spice-html5'], since: 6 },
  rdp: { types: ['rdp-html5'], since: 6 },
  serial: { types: ['serial'], since: 6 },
  mks: { types: ['webmks'], since: 8 },
} as const;

export const unavailable = (type: string): Error =>
  badRequest(`Unavailable console type ${type}. Servers have a serial console alone.`);

/** Whether the guest is there, running or paused. A lock keeps nobody from the console, as in Nova. @returns a URL. @throws HttpError 409. */
export const openSerialConsole = async (
  { consoles }: Pick<Servers, 'consoles'>,
  { item: { server, status }, caller }: Target,
): Promise<string> => {
  if (status.taskState === 'deleting')
    throw conflict(`Cannot 'get_serial_console' instance ${server.id} while it is in task_state deleting`);
  const isThere = status.powerState === 1 || status.powerState === 3;
  if (!isThere) throw conflict(`Instance ${server.id} is not ready: it has no console while it is ${status.vmState}.`);
  return consoles.issueUrl({ server: server.id, user: caller.userId, project: caller.projectId ?? server.project });
};
