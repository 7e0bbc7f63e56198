import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { runScript, type ScriptOutput } from '../support/run-script.js';

const FOLDER = mkdtempSync(join(tmpdir(), 'noisy-mnist-'));
const SMALL = [
  '--samples',
  '600',
  '--test-samples',
  '300',
  '--epochs',
  '3',
  '--out',
  join(FOLDER, 'checkpoint'),
  '--report',
  join(FOLDER, 'report.html'),
];

const runExample = (script: string, args: readonly string[]) =>
  runScript(`examples/noisy-mnist/${script}`, args);

/** The cells of the table whose first heading is `firstColumn`. */
function rowsOf(stdout: string, firstColumn: string): string[][] {
  const tables = stdout.split('┌').map((table) =>
    table
      .split('\n')
      .filter((line) => line.startsWith('│'))
      .map((line) => line.split('│').slice(1, -1))
      .map((cells) => cells.map((cell) => cell.trim())),
  );
  const rows = tables.find(([head]) => head?.[0] === firstColumn);
  return (rows ?? []).slice(1).filter(([first]) => first !== '');
}

interface EpochRecord {
  epoch: number;
  isBest: boolean;
}

function storedCheckpoint(): { record: EpochRecord; history: EpochRecord[] } {
  const model = JSON.parse(readFileSync(join(FOLDER, 'checkpoint', 'model.json'), 'utf8')) as {
    userDefinedMetadata: { entropyCheckpoint: { record: EpochRecord; history: EpochRecord[] } };
  };
  return model.userDefinedMetadata.entropyCheckpoint;
}

afterAll(() => {
  rmSync(FOLDER, { recursive: true, force: true });
});

describe('main.ts', () => {
  let run: ScriptOutput;
  let stored: ReturnType<typeof storedCheckpoint>;

  beforeAll(async () => {
    run = await runExample('main.ts', [...SMALL, '--seed', '5']);
    stored = storedCheckpoint();
  });

  it('writes a report, and prints its path', () => {
    const page = readFileSync(join(FOLDER, 'report.html'), 'utf8');
    expect(run.stdout).toContain(join(FOLDER, 'report.html'));
    expect(page).toContain('<p class="title">mnist with 40 % wrong labels (symmetric)</p>');
    expect(page).toContain(`Epoch ${stored.record.epoch} was kept: `);
    expect(page).toContain('<dt>Test accuracy</dt>');
    expect(page).toContain('<th scope="col">test_acc</th>');
  });

  it('exits with status 0', () => {
    expect(run).toMatchObject({ status: 0 });
  });

  it('prints a row for each epoch, with numbers in every column', () => {
    const rows = rowsOf(run.stdout, 'epoch');
    expect(rows.map(([epoch]) => epoch)).toEqual(['0', '1', '2']);
    for (const row of rows) {
      const numbers = row.slice(1, 5).map((cell) => Number(cell.replace(' %', '')));
      expect(numbers.every((value) => Number.isFinite(value) && value > 0)).toBe(true);
    }
  });

  it('marks the saved epochs, and the one that is stored', () => {
    const marked = rowsOf(run.stdout, 'epoch').filter((row) => row[5]?.startsWith('saved'));
    const saved = stored.history.filter(({ isBest }) => isBest).map(({ epoch }) => String(epoch));
    expect(marked.map(([epoch]) => epoch)).toEqual(saved);
    const kept = marked.filter((row) => row[5] === 'saved, kept');
    expect(kept.map(([epoch]) => epoch)).toEqual([String(stored.record.epoch)]);
  });

  it('predicts the same after a restore and in a new process', () => {
    const [original, restored, loaded] = rowsOf(run.stdout, 'predictions of the kept epoch');
    expect(original?.[1]).toMatch(/^\d+\.\d\d %$/);
    expect(restored?.slice(1)).toEqual([original?.[1], '0']);
    expect(loaded?.slice(1)).toEqual([original?.[1], '0']);
  });

  it('compares epochs by the clean accuracy of the epoch table', () => {
    const clean = new Map(rowsOf(run.stdout, 'epoch').map((row) => [row[0], row[3]]));
    const compared = rowsOf(run.stdout, 'If you keep');
    expect(compared.map(([name]) => name)).toEqual(
      expect.arrayContaining(['the last epoch, without a checkpoint', 'the best epoch (needs clean labels)']),
    );
    const averaged = new Map(rowsOf(run.stdout, 'epoch').map((row) => [row[0], row[4]]));
    for (const [rule, epoch, accuracy] of compared) {
      expect(accuracy).toBe((rule === 'the same, of averaged weights' ? averaged : clean).get(epoch));
    }
  });

  it('prints at most 80 columns', () => {
    const ownLines = run.stdout.split('\n').filter((line) => !line.includes(FOLDER));
    expect(Math.max(...ownLines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('ends with a recommendation', () => {
    expect(run.stdout.trimEnd().split('\n').slice(-4)).toEqual([
      'Recommended with validation labels, even noisy ones:',
      "  new EntropyCheckpointCallback({ monitor: 'val_acc', averageWeights: true })",
      expect.stringMatching(/^In this run: [\d.]+ %, /),
      expect.stringContaining('docs/choosing-a-monitor.md'),
    ]);
  });

  it('shows on stderr how many epochs have ended', () => {
    expect(run.stderr).toMatch(/Training █{24} 100 % \| 3 of 3 epochs/);
  });

  it('prints the same only for the same seed', async () => {
    const again = await runExample('main.ts', [...SMALL, '--seed', '5']);
    const other = await runExample('main.ts', [...SMALL, '--seed', '6']);
    expect(again.stdout).toBe(run.stdout);
    expect(other.status).toBe(0);
    expect(rowsOf(other.stdout, 'epoch')).not.toEqual(rowsOf(run.stdout, 'epoch'));
  });
});

it('keeps the epoch that another monitor selects', async () => {
  const flags = ['--monitor', 'train_entropy', '--mode', 'min', '--start-from-epoch', '1', '--no-optimizer'];
  const run = await runExample('main.ts', [...SMALL, ...flags]);
  expect(run.status).toBe(0);
  const eligible = rowsOf(run.stdout, 'epoch').slice(1);
  const lowest = Math.min(...eligible.map((row) => Number(row[1])));
  const kept = eligible.filter((row) => row[5] === 'saved, kept');
  expect(kept.map((row) => Number(row[1]))).toEqual([lowest]);
});

it('keeps the epoch that `consensus` selects, and explains it', async () => {
  const run = await runExample('main.ts', [...SMALL, '--monitor', 'consensus']);
  expect(run.status).toBe(0);
  const kept = rowsOf(run.stdout, 'epoch').filter((row) => row[5] === 'saved, kept');
  expect(run.stdout).toContain(
    `Epoch ${kept[0]?.[0] ?? ''} was kept: it agreed with the average of the epochs before it`,
  );
});

it('keeps the average of the weights with --average-weights', async () => {
  const run = await runExample('main.ts', [...SMALL, '--average-weights', '--monitor', 'val_acc']);
  expect(run.status).toBe(0);
  const [kept] = rowsOf(run.stdout, 'epoch').filter((row) => row[5] === 'saved, kept');
  const rows = new Map(rowsOf(run.stdout, 'If you keep').map(([rule, ...cells]) => [rule, cells]));
  expect(rows.get('the best val_acc, averaged (kept)')).toEqual([kept?.[0], kept?.[4], expect.any(String)]);
  expect(run.stdout).toMatch(/It\s+is\s+the\s+average\s+of\s+the\s+weights\s+that\s+was\s+validated/);
  const [atItsEnd, restored] = rowsOf(run.stdout, 'predictions of the kept epoch');
  expect(restored?.slice(1)).toEqual([atItsEnd?.[1], '0']);
});

it('compares with the average that noisy accuracy selects, whatever this checkpoint keeps', async () => {
  const lowest = ['--monitor', 'train_entropy', '--mode', 'min'];
  const run = await runExample('main.ts', [...SMALL, '--average-weights', ...lowest]);
  const plain = await runExample('main.ts', SMALL);
  const averagedIn = ({ stdout }: typeof run) =>
    rowsOf(stdout, 'If you keep').find(([rule]) => rule === 'the same, of averaged weights');
  expect(averagedIn(run)).toEqual(averagedIn(plain));
  const kept = rowsOf(run.stdout, 'epoch').find((row) => row[5] === 'saved, kept');
  expect(kept?.[0]).not.toBe(averagedIn(run)?.[1]);
});

it('trains on the cpu backend and on Fashion-MNIST, and prints no banner', async () => {
  const flags = ['--backend', 'cpu', '--dataset', 'fashion-mnist', '--noise-type', 'pair'];
  const run = await runExample('main.ts', [...SMALL, ...flags]);
  expect(run.status).toBe(0);
  expect(run.stderr).not.toContain('looks like you are running TensorFlow.js');
  expect(rowsOf(run.stdout, 'predictions of the kept epoch').map((row) => row[2])).toEqual(['', '0', '0']);
});

it('verify.ts prints the accuracy of the stored checkpoint', async () => {
  const run = await runExample('main.ts', SMALL);
  const verified = await runExample('verify.ts', SMALL);
  const loaded = rowsOf(run.stdout, 'predictions of the kept epoch')[2];
  expect(verified.stdout).toContain(`${loaded?.[1]} of 300 clean test images`);
});

it('loads nothing heavy before it has parsed the flags, and needs no build', async () => {
  const { metafile } = await build({
    entryPoints: ['examples/noisy-mnist/main.ts'],
    bundle: true,
    splitting: true,
    format: 'esm',
    outdir: FOLDER,
    packages: 'external',
    metafile: true,
    write: false,
  });
  const main = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint?.endsWith('/main.ts'))!;
  const packages = new Set<string>();
  const visit = (output: typeof main): void => {
    for (const { path, kind, external } of output.imports) {
      if (kind !== 'import-statement') continue;
      if (external !== true) visit(metafile.outputs[path]!);
      else if (!path.startsWith('node:')) packages.add(path);
    }
  };
  visit(main);
  expect([...packages].sort()).toEqual(['commander', 'seedrandom']);
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: object };
  expect(scripts).not.toHaveProperty('prestart');
});

it('lists its flags with --help', async () => {
  const { status, stdout } = await runExample('main.ts', ['--help']);
  expect(status).toBe(0);
  for (const flag of ['--dataset', '--noise', '--seed', '--out', '--monitor']) expect(stdout).toContain(flag);
});

it.each([
  ['an unknown flag', ['--nois', '0.4'], "'--nois'"],
  ['a noise rate of 1', ['--noise', '1'], '--noise'],
  ['a noise rate that is not a number', ['--noise', 'much'], '--noise'],
  ['an unknown dataset', ['--dataset', 'cifar'], '--dataset'],
  ['an unknown monitor', ['--monitor', 'val_f1'], '--monitor'],
  ['a fractional number of epochs', ['--epochs', '2.5'], '--epochs'],
  ['more samples than the dataset has', ['--samples', '60001'], '--samples'],
  [
    'a start epoch that leaves no epoch to keep',
    ['--epochs', '3', '--start-from-epoch', '3'],
    '--start-from-epoch',
  ],
  ['a missing value', ['--seed'], '--seed'],
])('refuses %s with status 2, without training', async (_, flags, named) => {
  const { status, stdout, stderr } = await runExample('main.ts', flags);
  expect(status).toBe(2);
  expect(stderr).toContain(named);
  expect(stdout).toBe('');
});
