import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-node';
import { EntropyCheckpointCallback, loadCheckpoint, topKEntropy } from 'tfjs-entropy-checkpoint';
import * as examples from '../integrations/fixtures/training.js';
import { expectNoTensorsLeft, makeData, makeModel, useTempFolder } from '../support/fixtures.js';

const ROOT = resolve(import.meta.dirname, '../..');
const folder = useTempFolder();
const start = process.cwd();

beforeEach(() => {
  process.chdir(folder());
});

afterEach(() => {
  process.chdir(start);
});

const { x, y } = makeData(40);

async function train(
  checkpoint: EntropyCheckpointCallback,
  { verbose = 0, others = [] }: { verbose?: 0 | 1; others?: tf.CustomCallback[] } = {},
): Promise<tf.Sequential> {
  const model = makeModel('adam');
  await model.fit(x, y, {
    epochs: 3,
    batchSize: 8,
    validationSplit: 0.2,
    shuffle: false,
    verbose,
    callbacks: [checkpoint, ...others],
  });
  return model;
}

const predicted = (model: tf.LayersModel): Float32Array =>
  tf.tidy(() => (model.predict(x) as tf.Tensor).dataSync<'float32'>());

const filesOf = (path: string): string[] =>
  readdirSync(path)
    // The names of weight files depend on their content.
    .map((name) => name.replace(/[0-9a-f]{8,}/g, '…'))
    .sort();

describe('filepath', () => {
  it('stores in a folder that tfjs-node can read, by default, for a path and for a file:// URL', async () => {
    const model = await train(new EntropyCheckpointCallback());
    await train(new EntropyCheckpointCallback({ filepath: 'file://by-url' }));
    expect(filesOf('by-url')).toEqual(filesOf('entropy_checkpoint'));
    const { userDefinedMetadata } = JSON.parse(readFileSync('entropy_checkpoint/model.json', 'utf8')) as {
      userDefinedMetadata: object;
    };
    expect(JSON.stringify(userDefinedMetadata)).toContain('entropy');

    const loaded = await loadCheckpoint('file://entropy_checkpoint', { model });
    const theirs = await tf.loadLayersModel('file://entropy_checkpoint/model.json');
    expect(predicted(theirs)).toEqual(predicted(loaded.model));
  });

  it('accepts a handler of tfjs-node, which saves to a folder but loads from a file', async () => {
    const { fileSystem } = tf.io as unknown as { fileSystem: (path: string) => tf.io.IOHandler };
    const checkpoint = new EntropyCheckpointCallback({ filepath: fileSystem('handled') });
    const model = await train(checkpoint);
    expect(filesOf('handled')).toEqual(['model.json', 'weights.bin']);
    await expect(checkpoint.loadCheckpoint()).rejects.toThrow('The path to load from must be a file');

    const { record } = await loadCheckpoint(fileSystem('handled/model.json'), { model });
    expect(record).toEqual(checkpoint.best);
    const theirs = await tf.loadLayersModel(fileSystem('handled/model.json'));
    expect(predicted(theirs)).toEqual(predicted(model));
  });
});

describe('a list of callbacks', () => {
  it('works together with the progress bar and TensorBoard', async () => {
    const alone = new EntropyCheckpointCallback({ filepath: null });
    await train(alone);
    const { progressBarHelper } = createRequire(import.meta.url)('@tensorflow/tfjs-node/dist/callbacks') as {
      progressBarHelper: { log: (text: string) => void };
    };
    const log = jest.spyOn(progressBarHelper, 'log').mockImplementation(() => undefined);
    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    await train(checkpoint, { verbose: 1, others: [tf.node.tensorBoard('logs')] });
    const printed = log.mock.calls.map(([text]) => text);
    log.mockRestore();

    expect(checkpoint.history).toEqual(alone.history);
    expect(printed.filter((line) => /us\/step - .*loss=/.test(line))).toHaveLength(3);
    const { history } = checkpoint;
    expect(scalarsOf('logs/train', 'epoch_entropy')).toEqual(history.map((record) => fround(record.entropy)));
    expect(scalarsOf('logs/train', 'epoch_train_entropy')).toEqual(
      history.map((record) => fround(record.trainEntropy)),
    );
    expect(scalarsOf('logs/val', 'epoch_entropy')).toEqual(
      history.map((record) => fround(record.valEntropy)),
    );
  });
});

const fround = (value: number | null): number => Math.fround(value!);

/** The values of a scalar in a run's event file, in order. */
function scalarsOf(run: string, tag: string): number[] {
  const [file] = readdirSync(run);
  const bytes = readFileSync(join(run, file!));
  const values: number[] = [];
  for (let at = bytes.indexOf(tag); at >= 0; at = bytes.indexOf(tag, at + 1)) {
    // In a `Summary.Value`, the length of the tag precedes it, and its `simple_value`, a float32, follows.
    if (bytes[at - 1] !== tag.length) continue;
    expect(bytes[at + tag.length]).toBe(0x15);
    values.push(bytes.readFloatLE(at + tag.length + 1));
  }
  return values;
}

describe('dtypes', () => {
  it('scores int32 and bool like the same values in float32', async () => {
    await expectNoTensorsLeft(() => {
      const scored = (values: number[][], dtype: 'float32' | 'int32' | 'bool'): number[] =>
        tf.tidy(() => Array.from(topKEntropy(tf.tensor2d(values, undefined, dtype)).dataSync()));
      const rows = [
        [1, 2, 4],
        [0, 1, 0],
      ];
      expect(scored(rows, 'int32')).toEqual(scored(rows, 'float32'));
      expect(scored([[0, 1, 1]], 'bool')).toEqual(scored([[0, 1, 1]], 'float32'));
    });
  });

  it('has no half-precision tensors', async () => {
    await expectNoTensorsLeft(() => {
      for (const dtype of ['float16', 'bfloat16'])
        expect(() => tf.tidy(() => tf.cast(tf.tensor1d([1]), dtype as 'float32'))).toThrow(/dtype/);
    });
  });
});

/** Runs a script in a separate process. @returns the JSON in the last line that it prints. */
async function run(script: string, ...args: string[]): Promise<unknown> {
  const path = join(ROOT, '__tests__/native/fixtures', script);
  const nodeArgs = ['--expose-gc', '--import', import.meta.resolve('tsx'), path, ...args];
  const env = { ...process.env, TSX_TSCONFIG_PATH: join(ROOT, 'tsconfig.json') };
  const { stdout } = await promisify(execFile)(process.execPath, nodeArgs, { env, maxBuffer: 2 ** 26 });
  // tfjs-node may print a greeting first.
  return JSON.parse(stdout.trim().split('\n').at(-1)!);
}

describe('tfjs-node-gpu', () => {
  it('records the same epochs as tfjs-node, here without a GPU', async () => {
    const { isOnGpu, history } = (await run('train-on-gpu.ts')) as { isOnGpu: boolean; history: unknown };
    expect(isOnGpu).toBe(false);
    expect(filesOf('.')).toEqual(['entropy_checkpoint']);

    const checkpoint = new EntropyCheckpointCallback({ filepath: null });
    const example = examples.makeData();
    await examples.makeModel().fit(example.x, example.y, {
      epochs: 5,
      validationSplit: 0.2,
      shuffle: false,
      verbose: 0,
      callbacks: checkpoint,
    });
    expect(history).toEqual(checkpoint.history);
  });
});

describe('native memory', () => {
  it('does not grow from 50 to 200 stored epochs', async () => {
    const resident = (await run('train-long.ts', '200')) as number[];
    expect(resident).toHaveLength(200);
    const [at50, later] = [resident[49]!, resident.slice(50)];
    // If no state were freed, the 150 later states of 4.8 MB would take 720 MB.
    expect(Math.max(...later) - at50).toBeLessThan(16e6);
    process.stdout.write(`resident memory after 50 epochs ${at50}, after 200 ${resident.at(-1)!} bytes\n`);
  });

  it('is shared with a snapshot, not copied', async () => {
    const { grown, last } = (await run('share-buffers.ts')) as { grown: number; last: number[] };
    expect(last).toEqual([1, 1]);
    expect(grown).toBeLessThan(2 ** 26);
  });
});
