import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');

/** A code sample in the README or in a guide, with the settings in the comment before it. */
interface Sample {
  /** The page's file name without its extension. */
  page: string;
  line: number;
  code: string;
  /** The file that it shows, which has its own test. Samples without a file are run here. */
  file?: string;
  /** Whether it shows only the beginning of that file. */
  part?: boolean;
  /** The names that it imports from `sample-setup.ts`. */
  uses: string[];
  /** An expression that must be true after it. */
  check: string;
}

function samplesOf(path: string): Sample[] {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const page = basename(path, '.md');
  const samples = text.matchAll(
    /(?:<!-- sample (?<comment>\{.*\}) -->\n\n)?```(?:[jt]sx?)\n(?<code>[\s\S]*?)```/g,
  );
  return [...samples].map(({ index, groups }) => {
    const { uses, check, file, part = false } = JSON.parse(groups!['comment'] ?? '{}') as Partial<Sample>;
    const line = text.slice(0, index).split('\n').length;
    const code = groups!['code']!;
    if (file !== undefined) return { page, line, code, file, part, uses: [], check: '' };
    if (uses === undefined || check === undefined)
      throw new Error(`${path}:${line}: expected a comment with "uses" and "check" before the sample`);
    return { page, line, code, uses, check };
  });
}

/** The sample as a module, which throws if its check fails. */
function moduleOf({ code, uses, check }: Sample): string {
  return [
    `import { ${uses.join(', ')} } from './setup.js';`,
    code,
    `const holds: boolean = ${check};`,
    `if (!holds) throw new Error(${JSON.stringify(`check failed: ${check}`)});`,
    `export {};`,
  ].join('\n');
}

const guides = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
const all = ['README.md', ...guides.map((name) => `docs/${name}`)].flatMap(samplesOf);
const samples = all.filter(({ file }) => file === undefined);
const shown = all.filter(({ file }) => file !== undefined);
const fileOf = ({ page, line }: Sample): string => `${page}-line-${line}.ts`;
// Inside the package, so that its name resolves to the build, as in a project that has installed it.
const folder = mkdtempSync(join(ROOT, '.readme-samples-'));

beforeAll(() => {
  copyFileSync(join(ROOT, '__tests__/docs/fixtures/sample-setup.ts'), join(folder, 'setup.ts'));
  const config = {
    module: 'nodenext',
    target: 'es2022',
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: config, include: ['*.ts'] }),
  );
  for (const sample of samples) writeFileSync(join(folder, fileOf(sample)), moduleOf(sample));
  mkdirSync(join(folder, 'work'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the samples of the README and the guides', () => {
  test('are found', () => {
    expect(samples.length).toBeGreaterThanOrEqual(6);
  });

  test('compile with the types of the package', async () => {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, '-p', folder]).catch(
      (error: unknown) => error as { stdout: string },
    );
    expect(stdout).toBe('');
  });

  // In order: later samples load what earlier ones have stored.
  test.each(samples.map((sample) => [fileOf(sample)]))('%s runs', async (file) => {
    const loader = import.meta.resolve('tsx');
    const args = ['--import', loader, join(folder, file)];
    await run(process.execPath, args, { cwd: join(folder, 'work') });
  });

  test.each(shown.map(({ page, file, code, part }) => [page, file!, code, part!] as const))(
    '%s shows the current content of %s',
    (_page, file, code, part) => {
      const whole = readFileSync(join(ROOT, file), 'utf8');
      expect(code).toBe(part ? whole.slice(0, code.length) : whole);
    },
  );
});
