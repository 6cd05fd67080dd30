import { wishCommand } from './wish-command.js';

export const start = wishCommand('start', {
  summary: 'start instances that are stopped, and let paused and suspended ones go on',
  about: 'One that runs already is left alone.',
});
