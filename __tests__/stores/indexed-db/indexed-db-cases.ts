import type { IndexedDbCase } from './indexed-db-case.js';
import { indexedDbDamageCases } from './indexed-db-damage-cases.js';
import { indexedDbEnvironmentCases } from './indexed-db-environment-cases.js';
import { indexedDbWriteCases } from './indexed-db-write-cases.js';

export const INDEXED_DB_CASES: readonly IndexedDbCase[] = [
  ...indexedDbWriteCases,
  ...indexedDbDamageCases,
  ...indexedDbEnvironmentCases,
];
