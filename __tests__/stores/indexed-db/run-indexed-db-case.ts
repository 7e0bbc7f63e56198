import { INDEXED_DB_CASES } from './indexed-db-cases.js';

/** What the tests of `IndexedDbStore` call in the page. */
export async function runIndexedDbCase(name: string): Promise<void> {
  const [found, ...others] = INDEXED_DB_CASES.filter((one) => one.name === name);
  if (found === undefined || others.length > 0) throw new Error(`Expected one case "${name}".`);
  await found.run(name);
}
