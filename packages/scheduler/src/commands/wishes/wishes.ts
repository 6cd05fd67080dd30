import type { WishName } from '@etcd-compute/common/wishes/kinds';
import { addDisk } from './add-disk.js';
import { addNic } from './add-nic.js';
import { lock } from './lock.js';
import { pause } from './pause.js';
import { reboot } from './reboot.js';
import { rebuild } from './rebuild.js';
import { removeDisk } from './remove-disk.js';
import { removeNic } from './remove-nic.js';
import { rename } from './rename.js';
import { reset } from './reset.js';
import { resize } from './resize.js';
import { resume } from './resume.js';
import { set } from './set.js';
import { shelve } from './shelve.js';
import { snapshot } from './snapshot.js';
import { start } from './start.js';
import { stop } from './stop.js';
import { suspend } from './suspend.js';
import { unlock } from './unlock.js';
import type { WishCommandSpec } from './wish-command.js';

/** In the order in which the help lists them. */
export const WISH_COMMANDS: Readonly<Record<WishName, WishCommandSpec>> = {
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
  rename,
  set,
  lock,
  unlock,
};

/** The command line of the first example in the help, about another instance. For tests, which try every command. */
export const exampleOf = (name: WishName, instance: string): readonly string[] => {
  const { name: command, examples } = WISH_COMMANDS[name];
  const [, ...options] = (examples[0] ?? '').slice(`eschedule ${command} `.length).split(' ');
  return [...command.split(' '), instance, ...options];
};
