import type { ReadStream } from 'node:tty';

/** Signals that end a program and leave its terminal as it is. At every other end, Node itself puts the terminal right. */
const ENDINGS = ['SIGHUP', 'SIGQUIT'] as const;

/**
 * Hands each key over as it is typed, without echo; Ctrl-C, Ctrl-Z and Ctrl-\ too. The terminal is as before when it is disposed, and
 * whenever the process ends but by SIGKILL.
 *
 * @param interrupt ends the command in order.
 */
export const makeRaw = (terminal: ReadStream, interrupt: () => void): Disposable => {
  terminal.setRawMode(true);
  for (const name of ENDINGS) process.on(name, interrupt);
  return {
    [Symbol.dispose]: () => {
      if (!terminal.destroyed) terminal.setRawMode(false);
      terminal.pause();
      for (const name of ENDINGS) process.off(name, interrupt);
    },
  };
};
