import type { Folders } from './folders.js';
import type { DemoPlacement } from './record.js';
import type { Stages } from './stages.js';

/** What every command of the demo is given. */
export interface CommandContext {
  readonly folders: Folders;
  readonly stages: Stages;
  /** Undefined: nobody has said. */
  readonly placement: DemoPlacement | undefined;
}
