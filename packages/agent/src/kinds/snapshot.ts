import { snapshotWrite } from '../images/snapshots/publish.js';
import { takeSnapshot } from '../steps/take-snapshot.js';
import type { KindPlan } from './kind.js';

export const snapshot: KindPlan = {
  steps: [takeSnapshot],
  leavesGuest: true,
  note: ({ made: { snapshot: taken }, keys }) => ({ writes: taken ? [snapshotWrite(keys, taken)] : [] }),
};
