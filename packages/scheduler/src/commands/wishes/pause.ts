import { wishCommand } from './wish-command.js';

export const pause = wishCommand('pause', {
  summary: 'pause instances; their memory stays in RAM',
  about: 'They go on with resume. A boot of their host ends them, as it ends those that run.',
});
