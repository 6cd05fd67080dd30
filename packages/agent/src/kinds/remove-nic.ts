import { attachNic } from '../steps/attach-nic.js';
import { detachNic } from '../steps/detach-device.js';
import { releaseAddress } from '../steps/release-address.js';
import { wishedNic } from '../steps/wished-nic.js';
import { deviceIs } from './device-is.js';
import { WITHOUT_SAVED_MEMORY, type KindPlan } from './kind.js';

export const removeNic: KindPlan = {
  steps: [detachNic, releaseAddress],
  needs: WITHOUT_SAVED_MEMORY,
  leavesGuest: true,
  turn: {
    at: detachNic,
    isDone: deviceIs('nowhere', wishedNic),
    back: [attachNic],
  },
};
