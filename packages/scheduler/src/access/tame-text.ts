/**
 * What a guest says, made safe for a terminal. A terminal does what escape sequences tell it, and the guest chooses those: they
 * move the cursor over what stands there, set the window's title, or make the terminal type an answer into the shell. Colours stay;
 * every other sequence and control character is left out, and what is no UTF-8 becomes U+FFFD.
 */
export interface TextTamer {
  /** Bytes may be cut anywhere. */
  readonly tame: (bytes: Uint8Array) => string;
  /** What sets the terminal back. */
  readonly end: () => string;
}

/** Line breaks, tabs and what progress bars are made of. */
const KEPT_CONTROLS = '\n\r\t\b';

type State = 'text' | 'escape' | 'escape-intermediate' | 'sequence' | 'string' | 'string-escape';

const ESCAPE = '\u001b';
const BELL = '\u0007';
const CANCELS = '\u0018\u001a';
/** What begins a string that the terminal keeps for itself: DCS, SOS, OSC, PM, APC; ended by BEL or ST. */
const STRING_STARTS = /[PX\]^_]/;
const COLOUR = /^[\d;:]*m$/;
/** Longer ones are no colours. */
const MAX_SEQUENCE = 64;

const isControl = (char: string): boolean => /\p{Cc}/u.test(char);

export const createTextTamer = (): TextTamer => {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let state: State = 'text';
  let sequence = '';
  let isColoured = false;

  const inText = (char: string): string => {
    if (char === ESCAPE) state = 'escape';
    // The same in one character each, as terminals of eight bits have it.
    else if (char === '\u009b') beginSequence();
    else if (/[\u0090\u0098\u009d\u009e\u009f]/.test(char)) state = 'string';
    else if (!isControl(char) || KEPT_CONTROLS.includes(char)) return char;
    return '';
  };
  const beginSequence = (): void => {
    state = 'sequence';
    sequence = '';
  };
  const afterEscape = (char: string): string => {
    if (char === '[') beginSequence();
    else if (STRING_STARTS.test(char)) state = 'string';
    else if (/[ -/]/.test(char)) state = 'escape-intermediate';
    else if (char !== ESCAPE) state = 'text';
    // A broken sequence must not eat a line break.
    return KEPT_CONTROLS.includes(char) ? char : '';
  };
  const inSequence = (char: string): string => {
    if (char === ESCAPE) {
      state = 'escape';
      return '';
    }
    if (isControl(char)) {
      if (CANCELS.includes(char)) state = 'text';
      return KEPT_CONTROLS.includes(char) ? char : '';
    }
    if (sequence.length < MAX_SEQUENCE) sequence += char;
    if (!/[@-~]/.test(char)) return '';
    state = 'text';
    if (!COLOUR.test(sequence)) return '';
    isColoured = true;
    return `${ESCAPE}[${sequence}`;
  };
  const inString = (char: string): string => {
    if (char === ESCAPE) state = 'string-escape';
    else if (char === BELL || char === '\u009c' || CANCELS.includes(char)) state = 'text';
    // None that is meant has one; one that is cut off must not swallow the rest of the log.
    else if (char === '\n') {
      state = 'text';
      return char;
    }
    return '';
  };
  const step = (char: string): string => {
    switch (state) {
      case 'text':
        return inText(char);
      case 'escape':
        return afterEscape(char);
      case 'escape-intermediate':
        if (char === ESCAPE) state = 'escape';
        else if (!/[ -/]/.test(char)) state = 'text';
        return KEPT_CONTROLS.includes(char) ? char : '';
      case 'sequence':
        return inSequence(char);
      case 'string':
        return inString(char);
      case 'string-escape':
        if (char === '\\') {
          state = 'text';
          return '';
        }
        state = 'escape';
        return afterEscape(char);
    }
  };
  return {
    tame: (bytes) => {
      let text = '';
      for (const char of decoder.decode(bytes, { stream: true })) text += step(char);
      return text;
    },
    end: () => (isColoured ? `${ESCAPE}[0m` : ''),
  };
};
