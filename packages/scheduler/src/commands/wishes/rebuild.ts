import { parseChecksum, parseImage } from '../boot-args.js';
import { wishCommand } from './wish-command.js';

export const rebuild = wishCommand('rebuild', {
  summary: 'give instances a new root disk from an image; everything on the old one is lost',
  examples: [
    'eschedule rebuild web',
    'eschedule rebuild web --image http://images.example/debian-13.qcow2 --checksum https://images.example/SHA256SUMS',
  ],
  about:
    'Its uuid, name, addresses, host, size and further disks stay. One that runs is stopped for it, and started again. When the image cannot be had, it keeps its disk. Its ssh host keys will be new ones: `eschedule ssh` refuses those until the old ones are forgotten.',
  options: {
    image: {
      value: 'URL',
      describe: 'http(s) URL of a disk image, or snapshot:NAME; default: the one that the instance was made from',
    },
    checksum: {
      value: 'SUM',
      describe: 'of the file behind the image’s URL, as with boot; without --image, default: the one given before',
    },
  },
  parse: (args, uuidsOrNames) => {
    const [image, checksum] = [args.one('image'), args.one('checksum')];
    return {
      uuidsOrNames,
      args: {
        ...(image !== undefined && { image: parseImage(image) }),
        ...(checksum !== undefined && { image_checksum: parseChecksum(checksum) }),
      },
    };
  },
});
