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
import { IS_THOROUGH } from '../support/thorough.js';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const TRAIN_UNTIL_KILLED = fileURLToPath(new URL('fixtures/train-until-killed.ts', import.meta.url));
const LOAD_AND_TRAIN = fileURLToPath(new URL('fixtures/load-and-train.ts', import.meta.url));

/** Passes the environment of the test on: it says on which backend the process trains. */
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

/** A callback whose best epoch is `epoch`, also if training continues. */
function keepEpoch(epoch: number, filepath: string | null): EntropyCheckpointCallback {
  return new EntropyCheckpointCallback({
    filepath,
    monitor: 'val_loss',
    startFromEpoch: epoch,
    // The first epoch that can be selected is, and no later one improves on it by that much.
    minDelta: 1e9,
  });
}

function net(makeOptimizer: () => tf.Optimizer, seed?: number): tf.Sequential {
  return own(makeNet(makeOptimizer(), seed));
}

/** Trains without a checkpoint, and returns the states after epoch `epoch` and after the last. */
async function trainUninterrupted(makeOptimizer: () => tf.Optimizer, epoch: number, epochs: number) {
  const model = net(makeOptimizer);
  const first = await trainEpochs(model, data, 0, epoch + 1);
  const saved = modelBits(model);
  const rest = await trainEpochs(model, data, epoch + 1, epochs);
  return { first, saved, rest, trained: modelBits(model) };
}

describe.each(Object.entries(OPTIMIZERS))('with %s', (_name, makeOptimizer) => {
  test('a model that has trained on is restored to the best epoch, and repeats the later epochs exactly', async () => {
    const expected = await trainUninterrupted(makeOptimizer, 3, 7);
    const model = net(makeOptimizer);
    const checkpoint = keepEpoch(3, folder);
    await trainEpochs(model, data, 0, 7, [checkpoint]);
    expect(modelBits(model)).toEqual(expected.trained);

    const best = await checkpoint.loadCheckpoint();

    expect(best.epoch).toBe(3);
    expect(modelBits(model)).toEqual(expected.saved);
    expect(await trainEpochs(model, data, 4, 7)).toEqual(expected.rest);
    expect(modelBits(model)).toEqual(expected.trained);
  });

  test('a model is restored to a best epoch that is only in memory', async () => {
    const model = net(makeOptimizer);
    const checkpoint = keepEpoch(3, null);
    const losses = await trainEpochs(model, data, 0, 7, [checkpoint]);
    const trained = modelBits(model);

    await checkpoint.loadCheckpoint();

    expect((await trainEpochs(model, data, 4, 7)).loss).toEqual(losses.loss.slice(4));
    expect(modelBits(model)).toEqual(trained);
    checkpoint.dispose();
  });

  test('a newly compiled model with other weights continues exactly from the checkpoint', async () => {
    const expected = await trainUninterrupted(makeOptimizer, 3, 7);
    await trainEpochs(net(makeOptimizer), data, 0, 4, [keepEpoch(3, folder)]);
    const model = net(makeOptimizer, 99);

    await loadCheckpoint(folder, { model });

    expect(modelBits(model)).toEqual(expected.saved);
    expect(await trainEpochs(model, data, 4, 7)).toEqual(expected.rest);
    expect(modelBits(model)).toEqual(expected.trained);
  });

  test('a model that has optimizer slots of another training continues exactly from the checkpoint', async () => {
    const expected = await trainUninterrupted(makeOptimizer, 3, 7);
    await trainEpochs(net(makeOptimizer), data, 0, 4, [keepEpoch(3, folder)]);
    const model = net(makeOptimizer, 99);
    await trainEpochs(model, data, 0, 2);

    await loadCheckpoint(folder, { model });

    expect(await trainEpochs(model, data, 4, 7)).toEqual(expected.rest);
    expect(modelBits(model)).toEqual(expected.trained);
  });

  test('a resumed run equals the uninterrupted one', async () => {
    const expected = await trainUninterrupted(makeOptimizer, 3, 7);
    await trainEpochs(net(makeOptimizer), data, 0, 4, [keepEpoch(3, folder)]);
    const model = net(makeOptimizer, 99);
    const checkpoint = keepEpoch(3, folder);

    const { initialEpoch } = await checkpoint.resume(model);

    expect(initialEpoch).toBe(4);
    expect(await trainEpochs(model, data, initialEpoch, 7, [checkpoint])).toEqual(expected.rest);
    expect(modelBits(model)).toEqual(expected.trained);
  });
});

const AVERAGED = Object.entries(OPTIMIZERS).filter(([name]) => IS_THOROUGH || ['sgd', 'adam'].includes(name));

describe.each(AVERAGED)('with %s', (_name, makeOptimizer) => {
  test('a resumed run that averages the weights equals the uninterrupted one', async () => {
    const averaging = (filepath: string): EntropyCheckpointCallback =>
      new EntropyCheckpointCallback({ filepath, monitor: 'val_loss', averageWeights: true, saveLast: true });
    const whole = net(makeOptimizer);
    const uninterrupted = averaging(join(folder, 'whole'));
    const losses = await trainEpochs(whole, data, 0, 7, [uninterrupted]);
    const interrupted = averaging(join(folder, 'part'));
    await trainEpochs(net(makeOptimizer), data, 0, 3, [interrupted]);
    interrupted.dispose();
    const model = net(makeOptimizer, 99);
    const checkpoint = averaging(join(folder, 'part'));

    const { initialEpoch } = await checkpoint.resume(model);
    const rest = await trainEpochs(model, data, initialEpoch, 7, [checkpoint]);

    expect(initialEpoch).toBe(3);
    expect(rest.valLoss).toEqual(losses.valLoss.slice(3));
    expect(modelBits(model)).toEqual(modelBits(whole));
    expect(await checkpoint.loadCheckpoint()).toMatchObject({ epoch: uninterrupted.best!.epoch });
    await uninterrupted.loadCheckpoint();
    expect(modelBits(model)).toEqual(modelBits(whole));
    for (const one of [checkpoint, uninterrupted]) one.dispose();
  });
});

interface Resumed {
  readonly epoch: number;
  readonly restored: unknown;
  readonly losses: Losses;
  readonly trained: unknown;
  readonly namesDiffer: boolean;
}

/** The epochs of a training, and the best of them. */
const EPOCHS = IS_THOROUGH ? 60 : 12;
const BEST = EPOCHS / 2 - 1;

test('a new process repeats the second half of a training bit for bit, with every optimizer', async () => {
  const expected: Record<string, Resumed> = {};
  for (const [number, [name, makeOptimizer]] of Object.entries(OPTIMIZERS).entries()) {
    const { first, saved, rest, trained } = await trainUninterrupted(makeOptimizer, BEST, EPOCHS);
    const model = net(makeOptimizer);
    const losses = await trainEpochs(model, data, 0, EPOCHS, [keepEpoch(BEST, join(folder, String(number)))]);
    expect(losses.loss).toEqual([...first.loss, ...rest.loss]);
    expect(modelBits(model)).toEqual(trained);
    expected[name] = { epoch: BEST, restored: saved, losses: rest, trained, namesDiffer: true };
    expect(losses.loss.every(Number.isFinite)).toBe(true);
  }

  const args = ['--import', 'tsx', LOAD_AND_TRAIN, folder, String(EPOCHS)];
  const { stdout } = await promisify(execFile)(process.execPath, args, OPTIONS);
  const resumed = JSON.parse(stdout.slice(stdout.indexOf('{'))) as Record<string, Resumed>;
  for (const name of Object.keys(OPTIMIZERS))
    expect({ [name]: resumed[name] }).toEqual({ [name]: expected[name] });
});

interface Trained {
  readonly initialEpoch: number;
  readonly losses: Losses;
}

test('a killed and resumed run has the entropies, best epoch and weights of an uninterrupted one, with every optimizer, averaged or not', async () => {
  const train = async (root: string, killAt?: number): Promise<Record<string, Trained>> => {
    const args = ['--import', 'tsx', TRAIN_UNTIL_KILLED, join(folder, root), '12'];
    if (killAt !== undefined) args.push(String(killAt));
    const { stdout } = await promisify(execFile)(process.execPath, args, OPTIONS);
    return JSON.parse(stdout.slice(stdout.indexOf('{'))) as Record<string, Trained>;
  };
  const uninterrupted = await train('uninterrupted');
  for (const killAt of IS_THOROUGH ? [3, 4, 9] : [4]) {
    await expect(train('killed', killAt)).rejects.toMatchObject({ signal: 'SIGKILL' });
  }
  const killed = await train('killed');
  const names = Object.keys(uninterrupted);
  expect(names).toHaveLength(2 * Object.keys(OPTIMIZERS).length);
  for (const name of names) {
    const { losses, ...expected } = uninterrupted[name]!;
    // After the latest epoch that was stored by then: epochs as short as these end faster than they are written.
    const from = killed[name]!.initialEpoch;
    const rest = { loss: losses.loss.slice(from), valLoss: losses.valLoss.slice(from) };
    expect({ [name]: killed[name] }).toEqual({
      [name]: { ...expected, initialEpoch: from, losses: rest },
    });
    expect(from).toBeGreaterThan(2);
  }
});
