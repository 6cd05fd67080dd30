import { wishCommand } from './wish-command.js';

export const resume = wishCommand('resume', {
  summary: 'let instances go on that are paused or suspended',
  about: 'One that runs already is left alone.',
});
