/** Every call that a call thread can run. Arguments and results are what a structured clone can carry. */
import * as connection from './calls/connection.js';
import * as domain from './calls/domain.js';
import * as domainBackup from './calls/domain-backup.js';
import * as domainState from './calls/domain-state.js';
import * as events from './calls/events.js';
import * as network from './calls/network.js';
import * as nwfilter from './calls/nwfilter.js';
import * as storagePool from './calls/storage-pool.js';
import * as storageVolume from './calls/storage-volume.js';
import * as stream from './calls/stream.js';

export const calls = {
  ...connection,
  ...domain,
  ...domainBackup,
  ...domainState,
  ...events,
  ...network,
  ...nwfilter,
  ...storagePool,
  ...storageVolume,
  ...stream,
};

export type Calls = typeof calls;
export type CallName = keyof Calls;
