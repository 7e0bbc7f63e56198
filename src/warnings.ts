import { MESSAGE_PREFIX, printable } from './errors.js';

/** Warns the user on the console, as TensorFlow.js does. */
export function warn(message: string): void {
  // eslint-disable-next-line no-console -- warnings go there
  console.warn(`${MESSAGE_PREFIX}${printable(message)}`);
}

/** The text of an error without the prefix, to be quoted in a warning or another error. */
export function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.startsWith(MESSAGE_PREFIX) ? text.slice(MESSAGE_PREFIX.length) : text;
}
