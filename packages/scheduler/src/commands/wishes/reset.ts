import { wishCommand } from './wish-command.js';

export const reset = wishCommand('reset', {
  summary: 'reset instances at once, like pressing the reset button',
  about:
    'The guest is not asked, and what it has not written to its disk is lost. For one that still answers, take reboot.',
});
