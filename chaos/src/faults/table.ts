import { cut, halfOpen, refuse, stall, TO_ETCD, TO_LIBVIRT, TO_PLACEMENT } from './connections.js';
import * as eapis from './eapis.js';
import * as etcd from './etcd.js';
import { fillImageCache } from './image-cache.js';
import { changeImage, imageReply } from './images.js';
import type { Inject } from './inject.js';
import type { FaultKind } from './kinds.js';
import * as libvirt from './libvirt.js';
import { placementReply } from './placement-replies.js';
import * as processes from './processes.js';

/** How each fault is done. */
export const INJECT: Readonly<Record<FaultKind, Inject>> = {
  'agent-killed': processes.killAgent,
  'agent-paused': processes.pauseAgent,
  'agent-restarted': processes.restartAgent,
  'agent-replaced': processes.replaceAgent,
  'eschedule-killed': processes.killOperation,
  'eschedule-paused': processes.pauseOperation,

  'etcd-killed': etcd.killMember,
  'etcd-paused': etcd.pauseMember,
  'etcd-all-killed': etcd.killAllMembers,
  'etcd-leader-killed': etcd.killLeader,
  'etcd-leader-moved': etcd.changeLeader,
  'etcd-compacted': etcd.compactAll,
  'etcd-full': etcd.fillDatabase,

  'etcd-cut': cut(TO_ETCD),
  'etcd-refused': refuse(TO_ETCD),
  'etcd-stalled-up': stall(TO_ETCD, 'up'),
  'etcd-stalled-down': stall(TO_ETCD, 'down'),
  'etcd-half-open': halfOpen(TO_ETCD),

  'placement-killed': processes.killPlacement,
  'placement-paused': processes.pausePlacement,
  'placement-cut': cut(TO_PLACEMENT),
  'placement-refused': refuse(TO_PLACEMENT),
  'placement-stalled-up': stall(TO_PLACEMENT, 'up'),
  'placement-stalled-down': stall(TO_PLACEMENT, 'down'),
  'placement-half-open': halfOpen(TO_PLACEMENT),
  'placement-409': placementReply('conflict'),
  'placement-500': placementReply('broken'),
  'placement-503': placementReply('unavailable'),
  'placement-401': placementReply('unauthorized'),
  'placement-page': placementReply('page'),
  'placement-slow': placementReply('slow'),
  'placement-reply-lost': placementReply('replyLost'),

  'libvirtd-paused': processes.pauseLibvirtd,
  'libvirtd-killed': processes.killLibvirtd,
  'libvirt-cut': cut(TO_LIBVIRT),
  'libvirt-refused': refuse(TO_LIBVIRT),
  'libvirt-stalled-up': stall(TO_LIBVIRT, 'up'),
  'libvirt-stalled-down': stall(TO_LIBVIRT, 'down'),
  'libvirt-half-open': halfOpen(TO_LIBVIRT),
  'libvirt-hushed': libvirt.hush,
  'libvirt-reply-lost': libvirt.loseReply,
  'libvirt-swapped': libvirt.swap,
  'guest-frozen': libvirt.freezeGuest,

  'eapi-killed': eapis.killEapi,
  'eapi-stopped': eapis.stopEapi,
  'eapi-paused': eapis.pauseEapi,
  'eapi-frozen': eapis.pauseEapi,
  'eapi-cut': cut(eapis.TO_EAPI),
  'eapi-stalled-up': stall(eapis.TO_EAPI, 'up'),
  'eapi-stalled-down': stall(eapis.TO_EAPI, 'down'),

  'image-cut': imageReply('cut'),
  'image-stalled': imageReply('hang-body'),
  'image-slow': imageReply('slow'),
  'image-404': imageReply('404'),
  'image-503': imageReply('503'),
  'image-changed': changeImage,
  'image-cache-full': fillImageCache,
};
