import { MESSAGE_PREFIX, printable, SEE_DOCS } from './errors.js';

/** Warns the user on the console, as TensorFlow.js does. */
export function warn(message: string): void {
  // eslint-disable-next-line no-console -- warnings go there
  console.warn(`${MESSAGE_PREFIX}${printable(message)}`);
}

/** Prints each warning once. */
export class WarnOnce {
  readonly #given = new Set<string>();

  /**
   * @param message null for nothing to say.
   * @param about identifies a warning whose text changes from time to time.
   */
  warn(message: string | null, about = message): void {
    if (message === null || about === null || this.#given.has(about)) return;
    this.#given.add(about);
    warn(message);
  }
}

/** The text of an error without the prefix and the address in the docs, to be quoted in a warning or another error. */
export function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.startsWith(MESSAGE_PREFIX) ? text.slice(MESSAGE_PREFIX.length).split(SEE_DOCS)[0]! : text;
}
