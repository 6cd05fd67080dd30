import { wishCommand } from './wish-command.js';

export const unlock = wishCommand('unlock', {
  summary: 'allow changes of instances that are locked',
  about: 'One that is not locked is left alone.',
});
