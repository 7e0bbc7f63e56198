const MAX_CHARACTERS = 2_000;

/** The last that a process or a page has printed, for the message of an error. */
export class OutputTail {
  #text = '';

  add(text: string): void {
    this.#text = (this.#text + text).slice(-MAX_CHARACTERS);
  }

  clear(): void {
    this.#text = '';
  }

  appendedTo(message: string): string {
    const text = this.#text.trim();
    // Nothing is added either where it only repeats the message.
    return message.includes(text) ? message : `${message}\nIts output:\n${text}`;
  }
}
