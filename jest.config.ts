/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';

type Project = NonNullable<Exclude<Config['projects'], string[] | undefined>[number]>;

const suitesIn = (...folders: string[]): string => `/__tests__/(${folders.join('|')})/.*\\.test\\.ts$`;

/** What opens a browser or another backend's process. */
const BACKENDS = `${suitesIn('conformance')}|-in-chromium\\.test\\.ts$`;
/** What is slow, or needs a build. */
const REST = `${suitesIn('backends-open', 'benchmarks', 'docs', 'environments', 'examples', 'integrations', 'packaging', 'study', 'torture')}|\\.slow\\.test\\.ts$`;
/** What needs more than `npm ci` installs: `npm run native`. */
const NATIVE = suitesIn('native');
/** What needs an object store or Redis: `npm run servers`. */
const SERVERS = suitesIn('s3', 'sweep');

/** A set of suites: those whose path matches `only`, and matches none of `except`. */
function project(displayName: string, only: string, except: readonly string[]): Project {
  return {
    displayName,
    testEnvironment: 'node',
    roots: ['<rootDir>/__tests__'],
    testRegex: [only],
    testPathIgnorePatterns: ['/node_modules/', ...except],
    extensionsToTreatAsEsm: ['.ts'],
    moduleNameMapper: {
      '^#platform$': '<rootDir>/src/stores/node-stores.ts',
      '^tfjs-entropy-checkpoint$': '<rootDir>/src/index.ts',
      '^tfjs-entropy-checkpoint/s3$': '<rootDir>/src/stores/s3/index.ts',
      // Sources import each other with the extension that they have once built.
      '^(\\.{1,2}/.*)\\.js$': '$1',
    },
    transform: {
      // `npm run typecheck` checks types; here, each file is only transpiled.
      '^.+\\.ts$': ['ts-jest', { useESM: true, diagnostics: false }],
    },
  };
}

const config: Config = {
  projects: [
    project('core', '\\.test\\.ts$', [BACKENDS, REST, NATIVE, SERVERS]),
    project('backends', BACKENDS, [REST, NATIVE]),
    project('rest', REST, [NATIVE, SERVERS]),
    project('native', NATIVE, []),
    project('s3', SERVERS, []),
  ],
  maxWorkers: '100%',
  // Machines are shared, and browsers draw in software: a limit that only a test that hangs can reach.
  testTimeout: 900_000,
};

export default config;
