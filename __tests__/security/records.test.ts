import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint, EntropyCheckpointError, loadCheckpoint } from '../../src/index.js';
import { rejection } from '../support/errors.js';
import { watchAllocations } from './fixtures/allocation-watch.js';
import { craft, LOCATIONS, type ModelJson } from './fixtures/crafted.js';
import { bitsOf, DENSE, disposeAll, RECURRENT, trainOneBatch, type Sample } from './fixtures/samples.js';
import { useSamples } from './fixtures/use-samples.js';
import { IS_THOROUGH } from '../support/thorough.js';

const { root, sample } = useSamples();
let model: tf.LayersModel;
let before: unknown;

async function openModel(name: string): Promise<void> {
  model = sample(name).makeModel(9);
  await trainOneBatch(model);
  before = bitsOf(model);
}

afterEach(() => {
  disposeAll(model);
});

/** Loads a crafted checkpoint into the model. */
async function load(name: string, change: (crafted: ModelJson) => void, weights?: Uint8Array): Promise<void> {
  const written: Sample = { ...sample(name), weights: weights ?? sample(name).weights };
  const source = await LOCATIONS['a folder']!(await craft(written, change), written, root());
  await loadCheckpoint(source, { model });
}

async function expectRefused(
  code: string,
  name: string,
  change: (crafted: ModelJson) => void,
): Promise<void> {
  const { numTensors } = tf.memory();
  expect((await rejection(load(name, change))).code).toBe(code);
  expect(bitsOf(model)).toEqual(before);
  expect(tf.memory().numTensors).toBe(numTensors);
}

describe('a tensor', () => {
  beforeEach(() => openModel(DENSE));

  test('that is referred to twice is refused, because it would become two in memory', async () => {
    await expectRefused('ENTROPY_CORRUPT_CHECKPOINT', DENSE, ({ userDefinedMetadata }) => {
      const { fields } = userDefinedMetadata.entropyCheckpoint.optimizer;
      fields['accBeta1'] = fields['accBeta2']!;
    });
  });

  test('that is referred to ten thousand times takes no more memory than one', async () => {
    const change = ({ userDefinedMetadata }: ModelJson): void => {
      const { fields } = userDefinedMetadata.entropyCheckpoint.optimizer;
      fields['extra'] = { list: Array.from({ length: 10_000 }, () => ({ tensor: 0, assigned: false })) };
    };
    const { error, totalBytes } = await watchAllocations(() => load(DENSE, change));
    expect(error).toBeInstanceOf(EntropyCheckpointError);
    expect(totalBytes).toBeLessThan(2 ** 20);
  });

  test.each<[string, number[], number[]]>([
    ['without elements and with a huge shape', [0, 2 ** 53 - 1], [2 ** 53 - 1, 0]],
    ['of a thousand dimensions', Array<number>(1000).fill(1), []],
  ])('%s in the optimizer is loaded as it is', async (_name, shape, other) => {
    const isEmpty = shape.includes(0);
    await load(DENSE, ({ weightsManifest, userDefinedMetadata }) => {
      const [{ weights }] = weightsManifest;
      const { fields } = userDefinedMetadata.entropyCheckpoint.optimizer;
      if (isEmpty) {
        for (const one of [shape, other]) weights.push({ name: 'empty', shape: one, dtype: 'float32' });
        fields['extra'] = { list: [-2, -1].map((i) => ({ tensor: weights.length + i, assigned: true })) };
      } else {
        weights[(fields['accBeta1'] as { tensor: number }).tensor]!.shape = shape;
      }
    });
    const { extra, accBeta1 } = model.optimizer as unknown as {
      extra?: tf.Variable[];
      accBeta1: tf.Variable;
    };
    expect(extra?.map((one) => one.shape) ?? [accBeta1.shape]).toEqual(isEmpty ? [shape, other] : [shape]);
  });
});

describe('a weight', () => {
  beforeEach(() => openModel(DENSE));

  test('with the path of another weight is refused, because its own weight would stay unchanged', async () => {
    await expectRefused('ENTROPY_MODEL_MISMATCH', DENSE, ({ userDefinedMetadata }) => {
      const { weights } = userDefinedMetadata.entropyCheckpoint;
      // Both are biases of three units.
      weights[3] = weights[1]!;
    });
  });

  test.each([[[]], [[0]], [[0, 0, 0]], [[2 ** 53 - 1, 0]]])('at the path %p is refused', async (path) => {
    await expectRefused('ENTROPY_MODEL_MISMATCH', DENSE, ({ userDefinedMetadata }) => {
      userDefinedMetadata.entropyCheckpoint.weights[0] = path;
    });
  });
});

describe('the state of a recurrent layer', () => {
  beforeEach(() => openModel(RECURRENT));

  test.each<[string, (crafted: ModelJson) => void]>([
    [
      'of integers',
      ({ weightsManifest, userDefinedMetadata }) => {
        const [index] = userDefinedMetadata.entropyCheckpoint.recurrent[0]!.tensors!;
        weightsManifest[0].weights[index!]!.dtype = 'int32';
      },
    ],
    [
      'of another batch size',
      ({ weightsManifest, userDefinedMetadata }) => {
        const [index] = userDefinedMetadata.entropyCheckpoint.recurrent[0]!.tensors!;
        weightsManifest[0].weights[index!]!.shape.reverse();
      },
    ],
    [
      'that is listed twice',
      ({ userDefinedMetadata }) => {
        const { recurrent } = userDefinedMetadata.entropyCheckpoint;
        recurrent.push({ ...recurrent[0]!, tensors: null });
      },
    ],
  ])('%s is refused', async (_name, change) => {
    await expectRefused('ENTROPY_MODEL_MISMATCH', RECURRENT, change);
  });
});

describe('a history', () => {
  beforeEach(() => openModel(DENSE));

  // More epochs than a call can take arguments.
  const EPOCHS = IS_THOROUGH ? 150_000 : 2000;

  test(`of ${EPOCHS} epochs can be resumed`, async () => {
    const source = await LOCATIONS['a folder']!(
      await craft(sample(DENSE), longHistory),
      sample(DENSE),
      root(),
    );
    const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: source });
    await checkpoint.resume().finally(() => {
      checkpoint.dispose();
    });
    expect(checkpoint.history).toHaveLength(EPOCHS);
  });

  function longHistory({ userDefinedMetadata }: ModelJson): void {
    const packageMetadata = userDefinedMetadata.entropyCheckpoint;
    packageMetadata.history = Array.from({ length: EPOCHS }, (_, epoch) => ({
      ...packageMetadata.record,
      epoch,
      isBest: false,
    }));
  }
});

describe('shards', () => {
  beforeEach(() => openModel(DENSE));

  // Equal shards, for example of zeros, are stored once. So this can't be refused.
  test('that are one file many times over are all read', async () => {
    const bytes = new Uint8Array(1000);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const count = 100;
    const modelJson = await craft(sample(DENSE), ({ weightsManifest, userDefinedMetadata }) => {
      const packageMetadata = userDefinedMetadata.entropyCheckpoint;
      packageMetadata.shards = Array.from({ length: count }, () => ({ sizeBytes: bytes.length, sha256 }));
      const { weights } = weightsManifest[0];
      const rest = count * bytes.length - sample(DENSE).weights.length;
      weights.push({ name: 'rest', shape: [rest / 4], dtype: 'float32' });
    });
    const folder = join(root(), 'one shard');
    fs.mkdirSync(folder);
    fs.writeFileSync(join(folder, 'model.json'), modelJson);
    fs.writeFileSync(join(folder, `weights.${sha256.slice(0, 16)}.bin`), bytes);
    await loadCheckpoint(folder, { model });
    expect(bitsOf(model)).not.toEqual(before);
  });
});
