import type { Room } from '@etcd-compute/common/capacity/capacity';
import { weighSpread } from './spread.js';

/** The opposite of spread: the host that is nearest to full comes first, so that others stay free for what is large. */
export const weighPack = (asked: Readonly<Record<string, number>>, room: Room): number => -weighSpread(asked, room);
