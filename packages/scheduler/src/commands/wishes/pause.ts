import { wishCommand } from './wish-command.js';

export const pause = wishCommand('pause', {
  summary: 'let instances stand still; their memory stays where it is',
  about: 'They go on with resume. A boot of their host ends them, as it ends those that run.',
});
