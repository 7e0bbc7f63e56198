import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const SLOT_FILE = /^model(?:\.(.+))?\.json$/;
const SHARD_FILE = /^weights\.[0-9a-f]{16}\.bin$/;

/** What is in a folder, told without the code under test. */
export interface StoredFiles {
  /** Which weights each slot names; none where its file cannot be read. */
  readonly slots: ReadonlyMap<string, readonly string[]>;
  readonly temporary: readonly string[];
  /** Weights that no slot names. */
  readonly unnamed: readonly string[];
}

export function storedFiles(folder: string): StoredFiles {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const slots = new Map<string, readonly string[]>();
  for (const name of names) {
    const match = SLOT_FILE.exec(name);
    if (match !== null) slots.set(match[1] ?? 'best', weightsNamedIn(join(folder, name)));
  }
  const named = new Set([...slots.values()].flat());
  return {
    slots,
    temporary: names.filter((name) => name.endsWith('.tmp')),
    unnamed: names.filter((name) => SHARD_FILE.test(name) && !named.has(name)),
  };
}

/** What should have been removed. */
export function leftoversIn(folder: string): string[] {
  const { temporary, unnamed } = storedFiles(folder);
  return [...temporary, ...unnamed];
}

/** The folder as it is now, in no time. Nothing in it is ever written to again, only replaced. */
export function linkCopy(folder: string, copy: string): void {
  mkdirSync(copy);
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    linkSync(join(folder, name), join(copy, name));
  }
}

function weightsNamedIn(slotFile: string): readonly string[] {
  try {
    const { weightsManifest } = JSON.parse(readFileSync(slotFile, 'utf8')) as {
      weightsManifest: { paths: string[] }[];
    };
    return weightsManifest.flatMap(({ paths }) => paths);
  } catch {
    return [];
  }
}
