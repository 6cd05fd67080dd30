import { MAX_USER_DATA_BYTES } from '@etcd-compute/common/etcd/messages/guest-config';
import { parseDocument } from 'yaml';

/** User data, or what is wrong with it. */
export type CheckedUserData = { readonly userData: string | undefined } | { readonly problem: string };

const decodeUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

/**
 * Checks what can be checked without the guest: its size, that it is text, and, when it says that it is a #cloud-config, that it is
 * readable YAML with keys. Scripts, multipart messages and templates (`## template: jinja`) are the guest's to understand.
 * An empty file is none.
 */
export const checkUserData = (bytes: Uint8Array): CheckedUserData => {
  if (bytes.length > MAX_USER_DATA_BYTES)
    return { problem: `it has ${bytes.length} bytes, and ${MAX_USER_DATA_BYTES} are the most that a guest takes` };
  const text = decodeUtf8(bytes);
  if (text === undefined || text.includes('\0')) return { problem: 'it is not UTF-8 text' };
  if (text.trim() === '') return { userData: undefined };
  const problem = /^#cloud-config\s*(\n|$)/.test(text) ? findYamlProblem(text) : undefined;
  return problem === undefined ? { userData: text } : { problem };
};

const findYamlProblem = (text: string): string | undefined => {
  const document = parseDocument(text, { prettyErrors: false });
  const [error] = document.errors;
  if (error) {
    const line = text.slice(0, error.pos[0]).split('\n').length;
    return `line ${line} is not readable YAML: ${error.message.split('\n')[0]}`;
  }
  const content: unknown = document.toJS();
  const isMap = typeof content === 'object' && content !== null && !Array.isArray(content);
  return isMap || content === null ? undefined : 'a #cloud-config has keys and values, such as "packages: [git]"';
};
