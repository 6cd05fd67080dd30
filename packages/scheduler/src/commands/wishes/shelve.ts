import { HARD, parseHard } from './hard-option.js';
import { wishCommand } from './wish-command.js';

export const shelve = wishCommand('shelve', {
  summary: 'put instances aside: they keep their disks, and take no room on a host',
  about: `The guest is shut down as with \`stop\`. Its disks are copied into its host's cache of images, and everything else of it
on the host goes, with its allocation in Placement. \`unshelve\` builds it again from the copies, on any host that has room; it gets
other addresses there. Until then it can only be renamed, edited, locked and destroyed. When the copies cannot be made, it is as it was.`,
  options: HARD,
  parse: (args, uuidsOrNames) => ({ uuidsOrNames, args: parseHard(args) }),
});
