const MAX_CHARACTERS = 2_000;

/** The last output of a process or page, for an error message. */
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
    // Output that only repeats the message adds nothing. Neither does no output.
    return message.includes(text) ? message : `${message}\nIts output:\n${text}`;
  }
}
