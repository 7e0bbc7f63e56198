import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, type EntropyCheckpointOptions } from '../../src/index.js';
import { OPTIMIZERS } from '../state/fixtures/optimizers.js';
import { countTensors } from '../state/fixtures/tensor-count.js';
import { useTempFolder } from '../support/fixtures.js';
import { pause } from '../support/pause.js';
import { IS_THOROUGH } from '../support/thorough.js';
import {
  afterBatch,
  BATCHES,
  copyAfter,
  EPOCHS,
  fitFrom,
  makeDataset,
  makeNet,
  outcomeOf,
  type Outcome,
} from './fixtures/interrupted.js';

const own = countTensors();
const tempFolder = useTempFolder();

interface Training {
  readonly makeOptimizer: () => tf.Optimizer;
  readonly isSized: boolean;
  readonly options: EntropyCheckpointOptions;
}

/** Where a process is killed: after a batch, counted from where its call of `fitDataset` began. */
type Kill = readonly [epoch: number, batch: number];

interface Trained extends Outcome {
  readonly initialEpoch: number;
  readonly initialBatch: number;
  /** What `fitDataset` has returned, by names. */
  readonly logged: Readonly<Record<string, unknown[]>>;
  /** What is stored when the process is killed. */
  readonly copies: readonly string[];
}

/** Trains from where a folder says to the end, and copies what is stored at each kill. */
async function train(
  { makeOptimizer, isSized, options }: Training,
  folder: string,
  kills: readonly Kill[] = [],
): Promise<Trained> {
  const model = own(makeNet(makeOptimizer()));
  const checkpoint = new EntropyCheckpointCallback({ ...options, filepath: folder });
  const position = await checkpoint.resume(model);
  const copies = kills.map((_, i) => `${folder}-${i}`);
  const copying = kills.map(([epoch, batch], i) => copyAfter(epoch, batch, checkpoint, [folder, copies[i]!]));
  const histories = await fitFrom(model, makeDataset(isSized), position, [checkpoint, ...copying]);
  const outcome = await outcomeOf(model, checkpoint);
  checkpoint.dispose();
  const logged: Record<string, unknown[]> = {};
  for (const [name, values] of histories.flatMap((history) => Object.entries(history))) {
    logged[name] = [...(logged[name] ?? []), ...values];
  }
  return { ...outcome, ...position, logged, copies };
}

/** Expects that a training which is killed and resumed has the outcome of one that isn't. */
async function expectSame(training: Training, whole: Trained, copy: string, position: Kill): Promise<void> {
  const [initialEpoch, initialBatch] = position;
  // Nothing is compared in the first epoch, so some names have a value less.
  const numEpochs = EPOCHS - initialEpoch;
  const logged = Object.entries(whole.logged).map(([name, values]) => [name, values.slice(-numEpochs)]);
  const expected: Trained = {
    ...whole,
    initialEpoch,
    initialBatch,
    logged: Object.fromEntries(logged) as Trained['logged'],
    copies: [],
  };
  expect(await train(training, copy)).toEqual(expected);
}

/** The batches of a training in a random order that depends on the seed alone. */
function shuffledKills(seed: number): Kill[] {
  const all = Array.from(
    { length: EPOCHS * BATCHES },
    (_, i) => [Math.floor(i / BATCHES), i % BATCHES] as const,
  );
  const rank = ([epoch, batch]: Kill): number =>
    Math.abs(Math.sin((epoch * BATCHES + batch + 1) * (seed + 1) * 78.233));
  return all.sort((a, b) => rank(a) - rank(b));
}

describe('a training that is killed within an epoch and resumed there is, bit for bit, one that was not', () => {
  const plans = Object.entries(OPTIMIZERS).flatMap(([name, makeOptimizer]) =>
    [false, true].map((averageWeights) => ({ name, makeOptimizer, averageWeights })),
  );
  test.each(plans.map((plan, seed) => ({ ...plan, seed })))(
    '$name, averageWeights: $averageWeights',
    async ({ makeOptimizer, averageWeights, seed }) => {
      const isSized = seed % 3 > 0;
      const options = { averageWeights, saveLast: { everyBatches: 1 } } as const;
      const training = { makeOptimizer, isSized, options };
      // After the last batch of a dataset of known size, no state within the epoch is kept.
      const kills = shuffledKills(seed)
        .filter(([, batch]) => !isSized || batch < BATCHES - 1)
        .slice(0, IS_THOROUGH ? 12 : 2);
      const whole = await train(training, join(tempFolder(), 'run'), kills);
      for (const [i, [epoch, batch]] of kills.entries()) {
        await expectSame(training, whole, whole.copies[i]!, [epoch, batch + 1]);
      }
    },
  );

  test.each([
    ['entropy', {}],
    ['consensus', {}],
    ['label_wave', { patience: 3 }],
    ['loss', {}],
    ['acc', {}],
    ['val_acc_and_loss', { keepEvery: 2 }],
    ['val_loss', { averageWeights: { decay: 0.4, updatesPerEpoch: 3 } }],
  ] as const)('monitor: %s, with a state every third batch', async (monitor, more) => {
    const options = { monitor, maxToKeep: 2, saveLast: { everyBatches: 3 }, ...more };
    const training = { makeOptimizer: OPTIMIZERS['adam']!, isSized: false, options };
    const kills = [
      [0, 3],
      [2, 4],
      [3, 5],
    ] as const;
    const whole = await train(training, join(tempFolder(), 'run'), kills);
    await expectSame(training, whole, whole.copies[0]!, [0, 3]);
    await expectSame(training, whole, whole.copies[1]!, [2, 3]);
    await expectSame(training, whole, whole.copies[2]!, [3, 6]);
  });

  test('killed four times, twice in one epoch', async () => {
    const options = { monitor: 'consensus', averageWeights: true, saveLast: { everyBatches: 2 } } as const;
    const training = { makeOptimizer: OPTIMIZERS['adam']!, isSized: true, options };
    const whole = await train(training, join(tempFolder(), 'whole'));
    const first = await train(training, join(tempFolder(), 'run'), [[0, 2]]);
    const second = await train(training, first.copies[0]!, [[0, 2]]);
    const third = await train(training, second.copies[0]!, [[2, 5]]);
    const positions = [second, third].map(({ initialEpoch, initialBatch }) => [initialEpoch, initialBatch]);
    expect(positions).toEqual([
      [0, 2],
      [0, 4],
    ]);
    await expectSame(training, whole, third.copies[0]!, [2, 6]);
  });

  test('resumed from the end of an epoch, if the process is killed before the first state of the next', async () => {
    const options = { saveLast: { everyBatches: 5 } } as const;
    const training = { makeOptimizer: OPTIMIZERS['adam']!, isSized: true, options };
    const whole = await train(training, join(tempFolder(), 'run'), [[2, 3]]);
    await expectSame(training, whole, whole.copies[0]!, [2, 0]);
  });

  test('where the rest of the epoch is trained with `saveLast: true`', async () => {
    const within = { averageWeights: true, saveLast: { everyBatches: 1 } } as const;
    const training = { makeOptimizer: OPTIMIZERS['adam']!, isSized: true, options: within };
    const whole = await train(training, join(tempFolder(), 'run'), [[1, 2]]);
    const plain = { ...training, options: { averageWeights: true, saveLast: true } };
    await expectSame(plain, whole, whole.copies[0]!, [1, 3]);
  });
});

test('with `batchesPerEpoch`, the rest is taken from where the epochs before have ended', async () => {
  const numBatches = 3;
  const options = { monitor: 'consensus', averageWeights: true, saveLast: { everyBatches: 1 } } as const;
  // Twice the batches, so that each epoch has others.
  const dataset = (): ReturnType<typeof makeDataset> => makeDataset(true).concatenate(makeDataset(true));
  const settings = { validationData: makeDataset(true), verbose: 0 } as const;
  const folder = join(tempFolder(), 'run');
  const copy = join(tempFolder(), 'copy');

  const open = async (filepath: string) => {
    const model = own(makeNet(OPTIMIZERS['adam']!()));
    const checkpoint = new EntropyCheckpointCallback({ ...options, filepath });
    return { model, checkpoint, ...(await checkpoint.resume(model)) };
  };
  const whole = await open(folder);
  const copying = copyAfter(2, 0, whole.checkpoint, [folder, copy]);
  const callbacks = [whole.checkpoint, copying];
  await whole.model.fitDataset(dataset(), {
    ...settings,
    batchesPerEpoch: numBatches,
    epochs: EPOCHS,
    callbacks,
  });

  const { model, checkpoint, initialEpoch, initialBatch } = await open(copy);
  expect([initialEpoch, initialBatch]).toEqual([2, 1]);
  const rest = dataset()
    .skip(initialEpoch * numBatches + initialBatch)
    .take(numBatches - initialBatch);
  await model.fitDataset(rest, {
    ...settings,
    initialEpoch,
    epochs: initialEpoch + 1,
    callbacks: checkpoint,
  });
  const epoch = initialEpoch + 1;
  await model.fitDataset(dataset().skip(epoch * numBatches), {
    ...settings,
    batchesPerEpoch: numBatches,
    initialEpoch: epoch,
    epochs: EPOCHS,
    callbacks: checkpoint,
  });

  expect(await outcomeOf(model, checkpoint)).toEqual(await outcomeOf(whole.model, whole.checkpoint));
  for (const one of [checkpoint, whole.checkpoint]) one.dispose();
});

test('with `everySeconds`, a state is stored after a batch that ends later than that, and resumed', async () => {
  const options = { averageWeights: true, saveLast: { everySeconds: 0.02 } } as const;
  const folder = join(tempFolder(), 'run');
  const model = own(makeNet(OPTIMIZERS['adam']!()));
  const checkpoint = new EntropyCheckpointCallback({ ...options, filepath: folder });
  // Before the checkpoint's own end of the batch.
  const slow = afterBatch(2, 3, () => pause(30));
  const copying = copyAfter(2, 3, checkpoint, [folder, `${folder}-copy`]);
  await fitFrom(model, makeDataset(true), { initialEpoch: 0, initialBatch: 0 }, [slow, checkpoint, copying]);

  const resumed = own(makeNet(OPTIMIZERS['adam']!()));
  const again = new EntropyCheckpointCallback({ ...options, filepath: `${folder}-copy` });
  const position = await again.resume(resumed);
  expect(position).toEqual({ initialEpoch: 2, initialBatch: 4 });
  await fitFrom(resumed, makeDataset(true), position, [again]);
  expect(await outcomeOf(resumed, again)).toEqual(await outcomeOf(model, checkpoint));
  for (const one of [again, checkpoint]) one.dispose();
});

test('states within epochs change nothing in the training', async () => {
  const training = { makeOptimizer: OPTIMIZERS['adam']!, isSized: true };
  const plain = await train({ ...training, options: {} }, join(tempFolder(), 'plain'));
  const kept = await train(
    { ...training, options: { saveLast: { everyBatches: 1 } } },
    join(tempFolder(), 'kept'),
  );
  expect(kept).toEqual(plain);
});
