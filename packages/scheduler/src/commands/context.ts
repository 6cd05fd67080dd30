import type { ScheduleConfig } from '../config.js';
import type { OpenCloud } from '../cloud.js';
import type { Interruption } from '../interruption.js';
import type { Output } from '../output/output.js';

/** What every command gets. A command returns its exit code, or throws. */
export interface CommandContext extends OpenCloud {
  readonly config: ScheduleConfig;
  readonly output: Output;
  readonly interruption: Interruption;
}
