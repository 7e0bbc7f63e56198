import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type * as tf from '@tensorflow/tfjs';
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { EntropyCheckpointCallback, loadCheckpoint } from '../../src/index.js';
import { OPTIMIZERS } from './fixtures/optimizers.js';
import { countTensors } from './fixtures/tensor-count.js';
import { makeData, makeNet, modelBits, trainEpochs, type Data, type Losses } from './fixtures/training.js';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const TRAIN_OR_DIE = fileURLToPath(new URL('fixtures/train-or-die.ts', import.meta.url));
const RESUME_HERE = fileURLToPath(new URL('fixtures/resume-here.ts', import.meta.url));

/** With the environment as the test sees it, which says what the process is to train on. */
const OPTIONS = { cwd: REPOSITORY, env: process.env, maxBuffer: 2 ** 26 };

const own = countTensors();
let folder = '';
let data: Data;

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'exact-resume-'));
  data = makeData();
  for (const tensor of [data.x, data.y, ...data.validationData]) own(tensor);
});

afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

/** A callback whose best is epoch `epoch` and stays it. */
function keepEpoch(epoch: number, filepath: string | null): EntropyCheckpointCallback {
  return new EntropyCheckpointCallback({
    filepath,
    monitor: 'val_loss',
    startFromEpoch: epoch,
    // The first that may be chosen is, and none improves on it by that much.
    minDelta: 1e9,
  });
}

function net(makeOptimizer: () => tf.Optimizer, seed?: number): tf.Sequential {
  return own(makeNet(makeOptimizer(), seed));
}

/** Trains without a checkpoint, and takes note of the state after epoch `epoch` and after the last. */
async function trainUninterrupted(makeOptimizer: () => tf.Optimizer, epoch: number, epochs: number) {
  const model = net(makeOptimizer);
  const first = await trainEpochs(model, data, 0, epoch + 1);
  const saved = modelBits(model);
  const rest = await trainEpochs(model, data, epoch + 1, epochs);
  return { first, saved, rest, trained: modelBits(model) };
}

describe.each(Object.entries(OPTIMIZERS))('%s', (_name, makeOptimizer) => {
  test('a model that has trained on goes back to the best epoch and repeats what came after it', async () => {
    const expected = await trainUninterrupted(makeOptimizer, 3, 9);
    const model = net(makeOptimizer);
    const checkpoint = keepEpoch(3, folder);
    await trainEpochs(model, data, 0, 9, [checkpoint]);
    expect(modelBits(model)).toEqual(expected.trained);

    const best = await checkpoint.loadCheckpoint();

    expect(best.epoch).toBe(3);
    expect(modelBits(model)).toEqual(expected.saved);
    expect(await trainEpochs(model, data, 4, 9)).toEqual(expected.rest);
    expect(modelBits(model)).toEqual(expected.trained);
  });

  test('a model goes back to a best epoch that is held in memory alone', async () => {
    const model = net(makeOptimizer);
    const checkpoint = keepEpoch(3, null);
    const losses = await trainEpochs(model, data, 0, 9, [checkpoint]);
    const trained = modelBits(model);

    await checkpoint.loadCheckpoint();

    expect((await trainEpochs(model, data, 4, 9)).loss).toEqual(losses.loss.slice(4));
    expect(modelBits(model)).toEqual(trained);
    checkpoint.dispose();
  });

  test('a freshly compiled model with other weights goes on exactly where the checkpoint was made', async () => {
    const expected = await trainUninterrupted(makeOptimizer, 3, 9);
    await trainEpochs(net(makeOptimizer), data, 0, 4, [keepEpoch(3, folder)]);
    const model = net(makeOptimizer, 99);

    await loadCheckpoint(folder, { model });

    expect(modelBits(model)).toEqual(expected.saved);
    expect(await trainEpochs(model, data, 4, 9)).toEqual(expected.rest);
    expect(modelBits(model)).toEqual(expected.trained);
  });

  test('a model with slots of its own training goes on exactly where the checkpoint was made', async () => {
    const expected = await trainUninterrupted(makeOptimizer, 3, 9);
    await trainEpochs(net(makeOptimizer), data, 0, 4, [keepEpoch(3, folder)]);
    const model = net(makeOptimizer, 99);
    await trainEpochs(model, data, 0, 2);

    await loadCheckpoint(folder, { model });

    expect(await trainEpochs(model, data, 4, 9)).toEqual(expected.rest);
    expect(modelBits(model)).toEqual(expected.trained);
  });

  test('a run that `resume` goes on with is the uninterrupted one', async () => {
    const expected = await trainUninterrupted(makeOptimizer, 3, 9);
    await trainEpochs(net(makeOptimizer), data, 0, 4, [keepEpoch(3, folder)]);
    const model = net(makeOptimizer, 99);
    const checkpoint = keepEpoch(3, folder);

    const { initialEpoch } = await checkpoint.resume(model);

    expect(initialEpoch).toBe(4);
    expect(await trainEpochs(model, data, initialEpoch, 9, [checkpoint])).toEqual(expected.rest);
    expect(modelBits(model)).toEqual(expected.trained);
  });
});

interface Resumed {
  readonly epoch: number;
  readonly restored: unknown;
  readonly losses: Losses;
  readonly trained: unknown;
  readonly namesDiffer: boolean;
}

test('a fresh process repeats the second half of 60 epochs bit for bit, with every optimizer', async () => {
  const expected: Record<string, Resumed> = {};
  for (const [number, [name, makeOptimizer]] of Object.entries(OPTIMIZERS).entries()) {
    const { first, saved, rest, trained } = await trainUninterrupted(makeOptimizer, 29, 60);
    const model = net(makeOptimizer);
    const losses = await trainEpochs(model, data, 0, 60, [keepEpoch(29, join(folder, String(number)))]);
    expect(losses.loss).toEqual([...first.loss, ...rest.loss]);
    expect(modelBits(model)).toEqual(trained);
    expected[name] = { epoch: 29, restored: saved, losses: rest, trained, namesDiffer: true };
    expect(losses.loss.every(Number.isFinite)).toBe(true);
  }

  const args = ['--import', 'tsx', RESUME_HERE, folder, '60'];
  const { stdout } = await promisify(execFile)(process.execPath, args, OPTIONS);
  const resumed = JSON.parse(stdout.slice(stdout.indexOf('{'))) as Record<string, Resumed>;
  for (const name of Object.keys(OPTIMIZERS))
    expect({ [name]: resumed[name] }).toEqual({ [name]: expected[name] });
}, 120_000);

interface Trained {
  readonly initialEpoch: number;
  readonly losses: Losses;
}

test('runs that are killed and resumed have the entropies, the best epoch and the weights of those that were not, with every optimizer', async () => {
  const trainOrDie = async (root: string, dieAt?: number): Promise<Record<string, Trained>> => {
    const args = ['--import', 'tsx', TRAIN_OR_DIE, join(folder, root), '12'];
    if (dieAt !== undefined) args.push(String(dieAt));
    const { stdout } = await promisify(execFile)(process.execPath, args, OPTIONS);
    return JSON.parse(stdout.slice(stdout.indexOf('{'))) as Record<string, Trained>;
  };
  const whole = await trainOrDie('whole');
  for (const dieAt of [3, 4, 9]) {
    await expect(trainOrDie('killed', dieAt)).rejects.toMatchObject({ signal: 'SIGKILL' });
  }
  const killed = await trainOrDie('killed');
  for (const name of Object.keys(OPTIMIZERS)) {
    const { losses, ...uninterrupted } = whole[name]!;
    // The latest that was stored by then: epochs as short as these come faster than they are written.
    const from = killed[name]!.initialEpoch;
    const rest = { loss: losses.loss.slice(from), valLoss: losses.valLoss.slice(from) };
    expect({ [name]: killed[name] }).toEqual({
      [name]: { ...uninterrupted, initialEpoch: from, losses: rest },
    });
    expect(from).toBeGreaterThan(2);
  }
}, 120_000);
