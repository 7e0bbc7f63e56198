import eslint from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  {
    ignores: [
      'dist/',
      '.readme-samples-*/',
      '.s3-server/',
      'coverage/',
      'site/',
      'node_modules/',
      '**/*.d.ts',
    ],
  },
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: {
          allowDefaultProject: ['eslint.config.js', '.dependency-cruiser.js', 'scripts/*.js'],
        },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      'no-console': 'error',
      // `noUncheckedIndexedAccess` does not know that an index is within the bounds of an array.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // The classes of tfjs define `Symbol.hasInstance`, and its types declare that for the base class.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // `const { omitted, ...rest } = object` omits a property on purpose.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
    },
  },
  {
    files: ['__tests__/**', 'examples/**', 'benchmarks/**', 'study/**', 'torture/**'],
    rules: {
      // Allows `verbose: 0`: tfjs does not export the enum.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
    },
  },
  {
    files: ['examples/**', 'benchmarks/**', 'scripts/**', 'study/**', 'torture/**'],
    rules: { 'no-console': 'off' },
  },
  {
    // Users' projects in JavaScript, for pages and for both module systems of Node.
    files: ['__tests__/environments/projects/**'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { parserOptions: { projectService: false } },
    rules: { 'no-undef': 'off', '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    // Imports of packages that are not installed have no types.
    files: ['examples/**/*.js'],
    ...tseslint.configs.disableTypeChecked,
  },
);
