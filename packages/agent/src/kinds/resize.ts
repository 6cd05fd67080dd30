import { claimRoom, fitRoom } from '../steps/claim-room.js';
import { growDisk, isDiskGrown } from '../steps/grow-disk.js';
import { setDomainSize } from '../steps/set-domain-size.js';
import { WITHOUT_SAVED_MEMORY, type KindPlan } from './kind.js';
import { start } from './start.js';
import { stop } from './stop.js';

/**
 * Until it is over, the larger of the old and the new amounts is held: nobody else can take the room for the one or the other, so there is
 * room to go on and to go back.
 */
export const resize: KindPlan = {
  steps: [claimRoom, ...stop.steps, setDomainSize, growDisk, ...start.steps],
  needs: WITHOUT_SAVED_MEMORY,
  turn: { at: growDisk, isDone: isDiskGrown, back: [setDomainSize], room: fitRoom },
  room: fitRoom,
};
