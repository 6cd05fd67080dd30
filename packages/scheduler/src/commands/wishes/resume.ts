import { wishCommand } from './wish-command.js';

export const resume = wishCommand('resume', {
  summary: 'resume paused or suspended instances',
  about: 'One that runs already is left alone.',
});
