// hypervisor.mjs DIR CACHE_DIR: a private libvirtd, the tiny guest's image and a server for it, for a host of the test.
//
// Prints one line of JSON when all is ready: { uri, enter, image }; `enter` are the words before a command that
// run it where the guests' addresses are. Stops everything on SIGTERM or SIGINT.
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { startImageServer } from '@etcd-compute/testing/image-server';
import { startLibvirtd } from '@etcd-compute/testing/libvirt-daemon';

const [, , dir, cacheDir] = process.argv;
const asked = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);

await mkdir(dir, { recursive: true });
const guest = await buildGuestImage(cacheDir);
const images = await startImageServer({ 'guest.img': guest.path });
const libvirtd = await startLibvirtd({ dir });
const enter = libvirtd.netnsArgv([]).join(' ');
process.stdout.write(`${JSON.stringify({ uri: libvirtd.uri, enter, image: images.url('guest.img') })}\n`);

// The wait for a signal does not keep a process alive; this does.
const alive = setInterval(() => {}, 3_600_000);
await asked;
clearInterval(alive);
await libvirtd.stop();
await images.stop();
