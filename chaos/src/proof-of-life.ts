import type { Violation } from './invariants/rule.js';
import type { OperationKind } from './operation-kinds.js';
import { startOperation } from './operations.js';
import type { Stage } from './stage.js';

/** One instance's whole life. libvirt's test driver has no consoles. */
const lifeOf = ({ hasGuests }: Pick<Stage, 'hasGuests'>): readonly OperationKind[] => [
  'boot-and-wait',
  ...(hasGuests ? (['logs'] as const) : []),
  'stop-and-wait',
  'start-and-wait',
  'destroy-and-wait',
];

/** That it works is asked, not how fast: the machine may be busy with other things. Below the time after which a command counts as hung. */
const WAIT_SECONDS = { simulated: 50, guests: 150 } as const;

/**
 * With no fault about, everything must work: a cloud in which all is consistent because nothing runs any more would break no rule.
 * Leaves nothing behind when it works.
 */
export const proveLife = async (stage: Stage, name: string): Promise<Violation[]> => {
  for (const kind of lifeOf(stage)) {
    const waitSeconds = stage.hasGuests ? WAIT_SECONDS.guests : WAIT_SECONDS.simulated;
    const command = await startOperation(stage, { atMs: 0, kind, name, image: 'image-0' }, { waitSeconds });
    const { code, stderr } = await command.finished;
    if (code !== 0)
      return [{ rule: 'no life', what: `${kind} ${name}: exit ${code} without any fault: ${stderr.trim()}` }];
  }
  return [];
};
