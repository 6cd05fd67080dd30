import { attachDisk } from '../steps/attach-disk.js';
import { fitRoom } from '../steps/claim-room.js';
import { deleteRemovedDisk } from '../steps/delete-removed-disk.js';
import { detachDisk } from '../steps/detach-device.js';
import { wishedDisk } from '../steps/wished-disk.js';
import { deviceIs } from './device-is.js';
import { WITHOUT_SAVED_MEMORY, type KindPlan } from './kind.js';

/** The way back ends where the disk was: nothing is deleted before the guest has let it go. */
export const removeDisk: KindPlan = {
  steps: [detachDisk, deleteRemovedDisk],
  needs: WITHOUT_SAVED_MEMORY,
  leavesGuest: true,
  turn: {
    at: detachDisk,
    isDone: deviceIs('nowhere', wishedDisk),
    back: [attachDisk],
  },
  room: fitRoom,
};
