import type { Cloud } from '../cloud.js';
import type { Interruption } from '../interruption.js';
import type { Output } from '../output/output.js';

/** What every command gets. A command returns its exit code, or throws. */
export interface CommandContext {
  readonly cloud: Cloud;
  readonly output: Output;
  readonly interruption: Interruption;
}
