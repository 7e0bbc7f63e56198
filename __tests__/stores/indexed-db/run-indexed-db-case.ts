import { INDEXED_DB_CASES } from './indexed-db-cases.js';

/** Runs a case in a location named after it. The tests of `IndexedDbStore` call it in the page. */
export async function runIndexedDbCase(name: string): Promise<void> {
  const [found, ...others] = INDEXED_DB_CASES.filter((indexedDbCase) => indexedDbCase.name === name);
  if (found === undefined || others.length > 0) throw new Error(`Expected one case "${name}".`);
  await found.run(name);
}
