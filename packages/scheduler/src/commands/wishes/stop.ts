import { HARD, parseHard } from './hard-option.js';
import { wishCommand } from './wish-command.js';

export const stop = wishCommand('stop', {
  summary: 'shut instances down; they keep their disks and addresses',
  about:
    'The guest is asked to shut down; one that has not after a while (guest_shutdown of its agent) is cut off. One that is suspended loses its memory.',
  options: HARD,
  parse: (args, uuidsOrNames) => ({ uuidsOrNames, args: parseHard(args) }),
});
