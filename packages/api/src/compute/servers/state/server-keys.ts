import { createRecordKeys } from '../../../state/keys.js';
import { DEFAULT_QUOTA_ID, projectQuotaId } from '../../engine/quotas.js';

/** The keys of servers. Each write to one of them puts `servers/changes` too: who has seen that, has seen all. */
export interface ServerKeys {
  /** What all records begin with; ends with a slash. */
  readonly servers: string;
  readonly changes: string;
  readonly server: (project: string, id: string) => string;
  /** How much a project uses. */
  readonly usage: (project: string) => string;
  /** What limits a project, the weakest first. */
  readonly quotas: (project: string) => readonly [ofAll: string, own: string];
  /** Who is in a server group. */
  readonly members: (group: string) => string;
  /** What the token of a console's URL is for; under a lease. @param hash in hexadecimal digits. */
  readonly consoleToken: (hash: string) => string;
}

/** @param compute of compute's keys; ends with a slash. */
export const createServerKeys = (compute: string): ServerKeys => {
  const servers = `${compute}servers/`;
  const { record } = createRecordKeys(`${compute}state/`);
  return {
    servers,
    changes: `${servers}changes`,
    server: (project, id) => `${servers}${project}/${id}`,
    usage: (project) => `${compute}usage/${project}`,
    quotas: (project) => [record('quota', DEFAULT_QUOTA_ID), record('quota', projectQuotaId(project))],
    members: (group) => `${compute}members/${group}`,
    consoleToken: (hash) => `${compute}consoles/${hash}`,
  };
};
