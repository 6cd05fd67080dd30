import type { ActionName } from '@etcd-compute/common/wishes/kinds';
import type { KindPlan } from './kind.js';
import { addDisk } from './add-disk.js';
import { addNic } from './add-nic.js';
import { pause } from './pause.js';
import { reboot } from './reboot.js';
import { rebuild } from './rebuild.js';
import { removeDisk } from './remove-disk.js';
import { removeNic } from './remove-nic.js';
import { reset } from './reset.js';
import { resize } from './resize.js';
import { resume } from './resume.js';
import { shelve } from './shelve.js';
import { snapshot } from './snapshot.js';
import { start } from './start.js';
import { stop } from './stop.js';
import { suspend } from './suspend.js';

export const KIND_PLANS: Readonly<Record<ActionName, KindPlan>> = {
  start,
  stop,
  reboot,
  reset,
  pause,
  suspend,
  resume,
  rebuild,
  resize,
  snapshot,
  'add-disk': addDisk,
  'remove-disk': removeDisk,
  'add-nic': addNic,
  'remove-nic': removeNic,
  shelve,
};
