/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';

const config: Config = {
  testEnvironment: 'node',
  roots: ['<rootDir>/__tests__'],
  testMatch: ['**/*.test.ts'],
  // For what `npm ci` does not install: `npm run test:native`.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/__tests__/native/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^#platform$': '<rootDir>/src/stores/node-stores.ts',
    '^tfjs-entropy-checkpoint$': '<rootDir>/src/index.ts',
    // Sources import each other with the extension that they have once built.
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    // Types are checked by `npm run typecheck`; here each file is only translated.
    '^.+\\.ts$': ['ts-jest', { useESM: true, diagnostics: false }],
  },
  // Trainings of a few epochs are warned of, as they should be; those tests that are about it listen for it.
  silent: true,
  // Machines are shared, and browsers draw in software.
  testTimeout: 120_000,
};

export default config;
