import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { InvalidArgumentError } from 'commander';

/** A parser of names separated by commas. It returns them in the order of `known`. */
export function listOf<Name extends string>(known: readonly Name[]): (text: string) => readonly Name[] {
  return (text) => {
    const names = text.split(',').map((name) => name.trim());
    const unknown = names.filter((name) => !known.some((knownName) => knownName === name));
    if (unknown.length === 0) return known.filter((name) => names.includes(name));
    throw new InvalidArgumentError(
      `Expected any of ${known.join(', ')}, separated by commas, got ${unknown.map((name) => `'${name}'`).join(', ')}.`,
    );
  };
}

/** A parser of a path to write. It is checked at the start, because the file is written at the end. */
export function fileToWrite(path: string): string {
  if (existsSync(dirname(path))) return path;
  throw new InvalidArgumentError(`Expected a file in an existing folder, got '${path}'.`);
}
