import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const MANIFEST_FILE = /^model(?:\.(.+))?\.json$/;
const SHARD_FILE = /^weights\.[0-9a-f]{16}\.bin$/;

/** The files in a folder, listed without the code under test. */
export interface StoredFiles {
  /** The weight files that the manifest of each slot names; none if the manifest cannot be read. */
  readonly slots: ReadonlyMap<string, readonly string[]>;
  readonly temporary: readonly string[];
  /** Weight files that no manifest names. */
  readonly unnamed: readonly string[];
}

export function storedFiles(folder: string): StoredFiles {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const slots = new Map<string, readonly string[]>();
  for (const name of names) {
    const match = MANIFEST_FILE.exec(name);
    if (match !== null) slots.set(match[1] ?? 'best', weightsNamedIn(join(folder, name)));
  }
  const named = new Set([...slots.values()].flat());
  return {
    slots,
    temporary: names.filter((name) => name.endsWith('.tmp')),
    unnamed: names.filter((name) => SHARD_FILE.test(name) && !named.has(name)),
  };
}

/** The files that a save should have removed. */
export function leftoversIn(folder: string): string[] {
  const { temporary, unnamed } = storedFiles(folder);
  return [...temporary, ...unnamed];
}

/** Copies a folder by hard links, which takes no time. Its files are only ever replaced, never written to again. */
export function linkCopy(folder: string, copy: string): void {
  mkdirSync(copy);
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    linkSync(join(folder, name), join(copy, name));
  }
}

function weightsNamedIn(manifestFile: string): readonly string[] {
  try {
    const { weightsManifest } = JSON.parse(readFileSync(manifestFile, 'utf8')) as {
      weightsManifest: { paths: string[] }[];
    };
    return weightsManifest.flatMap(({ paths }) => paths);
  } catch {
    return [];
  }
}
