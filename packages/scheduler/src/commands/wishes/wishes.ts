import type { WishName } from '@etcd-compute/common/wishes/kinds';
import type { CommandSpec } from '../command-spec.js';
import { lock } from './lock.js';
import { pause } from './pause.js';
import { reboot } from './reboot.js';
import { rebuild } from './rebuild.js';
import { rename } from './rename.js';
import { reset } from './reset.js';
import { resize } from './resize.js';
import { resume } from './resume.js';
import { set } from './set.js';
import { snapshot } from './snapshot.js';
import { start } from './start.js';
import { stop } from './stop.js';
import { suspend } from './suspend.js';
import { unlock } from './unlock.js';

/** In the order in which the help lists them. */
export const WISH_COMMANDS: Readonly<Record<WishName, CommandSpec>> = {
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
  rename,
  set,
  lock,
  unlock,
};

/** The command line of the first example in the help, about another instance. For tests, which try every command. */
export const exampleOf = (name: WishName, instance: string): readonly string[] => {
  const [verb = name, , ...options] = (WISH_COMMANDS[name].examples[0] ?? '').split(' ').slice(1);
  return [verb, instance, ...options];
};
