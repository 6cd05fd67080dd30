/** `node serve-image.js PORT FILE`: serves the file as `/guest.img`, on this machine only, until it is ended. */
import { startImageServer } from '@etcd-compute/testing/image-server';

const [port, path = ''] = process.argv.slice(2);
await startImageServer({ 'guest.img': path }, { port: Number(port) });
