import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const BEGIN = '<!-- results -->';
const END = '<!-- /results -->';

/** Writes `text` between the two marks of a file, or to a new file. @throws Error if the file lacks the marks. */
export function writeBetweenMarks(path: string, text: string): void {
  writeFileSync(path, betweenMarks(existsSync(path) ? readFileSync(path, 'utf8') : null, text, path));
}

/** @throws Error if the file exists without both marks, in their order. */
export function requireMarks(path: string): void {
  if (existsSync(path)) betweenMarks(readFileSync(path, 'utf8'), '', path);
}

function betweenMarks(before: string | null, text: string, path: string): string {
  const marked = `${BEGIN}\n\n${text}\n\n${END}`;
  if (before === null) return `${marked}\n`;
  const begin = before.indexOf(BEGIN);
  const end = before.indexOf(END, begin);
  if (begin < 0 || end < 0) {
    throw new Error(
      `Expected ${path} to hold the lines ${BEGIN} and ${END}. Add them, or give another file.`,
    );
  }
  return before.slice(0, begin) + marked + before.slice(end + END.length);
}
