import { wishCommand } from './wish-command.js';

export const start = wishCommand('start', {
  summary: 'start stopped instances, and resume paused and suspended ones',
  about: 'One that runs already is left alone.',
});
