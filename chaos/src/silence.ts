import { waitFor } from '@etcd-compute/testing/wait-for';
import type { Violation } from './invariants/rule.js';
import { playCommand } from './play-command.js';
import type { Play } from './play-round.js';
import { readWorld } from './world.js';

/** One libvirtd answers nothing but keepalive: its host says so, and instances are built on others meanwhile. */
export const playSilence = async (play: Play, name: string): Promise<Violation[]> => {
  const { stage, diary, signal } = play;
  const [host] = stage.hosts;
  if (!host || stage.hosts.length < 2) return [];
  diary.note(`libvirt of host ${host.uuid} says nothing`);
  host.libvirtProxy.hush();
  try {
    await waitFor(async () => (await readWorld(stage)).troubles.has(host.uuid), {
      what: `host ${host.uuid} to say that libvirt hangs`,
      intervalMs: 500,
      signal,
    });
    const built = await playCommand(play, 'boot-and-wait', name);
    return built.length > 0 ? built : await playCommand(play, 'destroy-and-wait', name);
  } finally {
    host.libvirtProxy.speak();
  }
};
