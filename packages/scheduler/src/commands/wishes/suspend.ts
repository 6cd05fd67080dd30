import { wishCommand } from './wish-command.js';

export const suspend = wishCommand('suspend', {
  summary: 'save the memory of instances to disk and stop them',
  about:
    'They go on with resume, also after a boot of their host. Each needs as much room on its host as it has memory.',
});
