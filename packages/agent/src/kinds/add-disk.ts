import { attachDisk } from '../steps/attach-disk.js';
import { claimRoom, fitRoom } from '../steps/claim-room.js';
import { createAddedDisk } from '../steps/create-added-disk.js';
import { deleteRemovedDisk } from '../steps/delete-removed-disk.js';
import { detachDisk } from '../steps/detach-device.js';
import { wishedDisk } from '../steps/wished-disk.js';
import { deviceIs } from './device-is.js';
import { WITHOUT_SAVED_MEMORY, type KindPlan } from './kind.js';

/** A saved memory describes the devices of its guest. */
export const addDisk: KindPlan = {
  steps: [claimRoom, createAddedDisk, attachDisk],
  needs: WITHOUT_SAVED_MEMORY,
  leavesGuest: true,
  turn: {
    at: attachDisk,
    isDone: deviceIs('everywhere', wishedDisk),
    back: [detachDisk, deleteRemovedDisk],
    room: fitRoom,
  },
};
