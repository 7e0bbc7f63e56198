import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { findClassOutputs, type ClassOutputOptions } from '../../src/predictions/class-outputs.js';
import type { EntropyCheckpointErrorCode } from '../../src/errors.js';
import { expectNoTensorsLeft } from '../support/fixtures.js';

type Activation = 'softmax' | 'sigmoid' | 'linear' | 'tanh';
type Output = [name: string, units: number, activation: Activation, loss?: unknown];

const SOFTMAX: Output = ['probs', 3, 'softmax'];
const BINARY: Output = ['binary', 1, 'sigmoid', 'binaryCrossentropy'];
const LABELS: Output = ['labels', 5, 'sigmoid', 'binaryCrossentropy'];
const LOGITS: Output = ['logits', 4, 'linear', tf.losses.softmaxCrossEntropy];
const VALUE: Output = ['value', 2, 'linear', 'meanSquaredError'];
const AMBIGUOUS: Output = ['ambiguous', 4, 'linear', 'categoricalCrossentropy'];

const DEFAULTS: ClassOutputOptions = { fromLogits: 'auto', outputs: null, topK: 2, isRequired: true };

/** Runs `body` with a compiled model that has these outputs, and disposes the model. */
async function withModel(outputs: Output[], body: (model: tf.LayersModel) => void): Promise<void> {
  await expectNoTensorsLeft(() => {
    const input = tf.input({ shape: [4] });
    const model = tf.model({
      inputs: input,
      outputs: outputs.map(
        ([name, units, activation]) =>
          tf.layers.dense({ units, activation, name }).apply(input) as tf.SymbolicTensor,
      ),
    });
    const loss = outputs.map(([, , , given = 'categoricalCrossentropy']) => given as string);
    model.compile({ optimizer: 'sgd', loss });
    try {
      body(model);
    } finally {
      model.dispose();
    }
  });
}

/** The kinds of the found outputs by name. */
function found(model: tf.LayersModel, options: Partial<ClassOutputOptions> = {}): Record<string, string> {
  const outputs = findClassOutputs(model, { ...DEFAULTS, ...options });
  return Object.fromEntries(
    [...outputs].map(([index, fromLogits]) => [
      model.outputNames[index],
      fromLogits ? 'logits' : 'probabilities',
    ]),
  ) as Record<string, string>;
}

describe('findClassOutputs', () => {
  const cases: [string, Output[], Partial<ClassOutputOptions>, Record<string, string>][] = [
    ['finds a softmax output', [SOFTMAX], {}, { probs: 'probabilities' }],
    ['finds a sigmoid output of one unit', [BINARY], {}, { binary: 'probabilities' }],
    ['finds an output whose loss takes logits', [LOGITS], {}, { logits: 'logits' }],
    ['finds several class outputs', [SOFTMAX, LOGITS], {}, { probs: 'probabilities', logits: 'logits' }],
    ['ignores a regression output', [VALUE, SOFTMAX], {}, { probs: 'probabilities' }],
    [
      'finds only the outputs that `outputs` names',
      [SOFTMAX, BINARY, LOGITS],
      { outputs: ['logits', 'probs'] },
      { logits: 'logits', probs: 'probabilities' },
    ],
    [
      'ignores several sigmoid units that `outputs` does not name',
      [LABELS, SOFTMAX],
      { outputs: ['probs'] },
      { probs: 'probabilities' },
    ],
    [
      'ignores an ambiguous output that `outputs` does not name',
      [AMBIGUOUS, SOFTMAX],
      { outputs: ['probs'] },
      { probs: 'probabilities' },
    ],
    [
      'takes an ambiguous output for logits with fromLogits: true',
      [AMBIGUOUS],
      { fromLogits: true },
      { ambiguous: 'logits' },
    ],
    [
      'takes an ambiguous output for probabilities with fromLogits: false',
      [AMBIGUOUS],
      { fromLogits: false },
      { ambiguous: 'probabilities' },
    ],
    [
      'accepts fromLogits: false for a softmax output',
      [SOFTMAX],
      { fromLogits: false },
      { probs: 'probabilities' },
    ],
    ['accepts fromLogits: true for logits', [LOGITS], { fromLogits: true }, { logits: 'logits' }],
    [
      'finds a regression output that `outputs` names, with fromLogits',
      [VALUE],
      { fromLogits: true, outputs: ['value'] },
      { value: 'logits' },
    ],
    [
      'ignores a regression output that `outputs` does not name, despite fromLogits',
      [VALUE, SOFTMAX],
      { fromLogits: false },
      { probs: 'probabilities' },
    ],
    ['accepts a topK of 2 for one unit', [BINARY], { topK: 2 }, { binary: 'probabilities' }],
    ['accepts a topK equal to the number of classes', [SOFTMAX], { topK: 3 }, { probs: 'probabilities' }],
  ];

  test.each(cases)('%s', async (_, outputs, options, expected) => {
    await withModel(outputs, (model) => {
      expect(found(model, options)).toEqual(expected);
    });
  });
});

describe('findClassOutputs if no class output is required', () => {
  const cases: [string, Output[], Partial<ClassOutputOptions>, Record<string, string>][] = [
    ['finds the class outputs', [SOFTMAX, LOGITS], {}, { probs: 'probabilities', logits: 'logits' }],
    ['finds nothing in a model without class outputs', [VALUE], {}, {}],
    ['ignores several sigmoid units', [LABELS, SOFTMAX], {}, { probs: 'probabilities' }],
    ['ignores an ambiguous output', [AMBIGUOUS, SOFTMAX], {}, { probs: 'probabilities' }],
    ['finds an ambiguous output with fromLogits', [AMBIGUOUS], { fromLogits: true }, { ambiguous: 'logits' }],
  ];

  test.each(cases)('%s', async (_, outputs, options, expected) => {
    await withModel(outputs, (model) => {
      expect(found(model, { ...options, isRequired: false })).toEqual(expected);
    });
  });

  test('refuses an ambiguous output that `outputs` names', async () => {
    await withModel([AMBIGUOUS], (model) => {
      expect(() => found(model, { outputs: ['ambiguous'], isRequired: false })).toThrow(
        expect.objectContaining({ code: 'ENTROPY_AMBIGUOUS_OUTPUT' }),
      );
    });
  });
});

describe('findClassOutputs refuses, with a remedy,', () => {
  const cases: [
    what: string,
    outputs: Output[],
    options: Partial<ClassOutputOptions>,
    code: EntropyCheckpointErrorCode,
    texts: string[],
  ][] = [
    [
      'an ambiguous output',
      [AMBIGUOUS],
      {},
      'ENTROPY_AMBIGUOUS_OUTPUT',
      ['"ambiguous"', '`fromLogits: true`', '`fromLogits: false`', '`outputs`'],
    ],
    [
      'an ambiguous output beside a class output',
      [SOFTMAX, AMBIGUOUS],
      {},
      'ENTROPY_AMBIGUOUS_OUTPUT',
      ['"ambiguous"', '`outputs`'],
    ],
    [
      'fromLogits: true for a softmax output, as softmax would be applied twice',
      [SOFTMAX],
      { fromLogits: true },
      'ENTROPY_INVALID_OPTION',
      ['"probs"', '`fromLogits`', 'twice'],
    ],
    [
      'fromLogits: false for logits',
      [LOGITS],
      { fromLogits: false },
      'ENTROPY_INVALID_OPTION',
      ['"logits"', '`fromLogits`', 'taken for probabilities'],
    ],
    [
      'a regression output that `outputs` names',
      [VALUE],
      { outputs: ['value'] },
      'ENTROPY_AMBIGUOUS_OUTPUT',
      ['"value"', '`fromLogits: true`', 'cannot be inferred'],
    ],
    [
      'several sigmoid units',
      [LABELS],
      {},
      'ENTROPY_NO_CLASS_OUTPUT',
      ['"labels"', '5 sigmoid units', '`outputs`'],
    ],
    [
      'several sigmoid units beside a softmax',
      [SOFTMAX, LABELS],
      {},
      'ENTROPY_NO_CLASS_OUTPUT',
      ['"labels"', '`outputs`'],
    ],
    [
      'several sigmoid units with fromLogits',
      [LABELS],
      { fromLogits: false },
      'ENTROPY_NO_CLASS_OUTPUT',
      ['"labels"'],
    ],
    [
      'several sigmoid units that `outputs` names',
      [LABELS],
      { outputs: ['labels'] },
      'ENTROPY_NO_CLASS_OUTPUT',
      ['"labels"'],
    ],
    [
      'a model without class outputs',
      [VALUE],
      {},
      'ENTROPY_NO_CLASS_OUTPUT',
      ['"value"', '`outputs`', '`fromLogits`', "'val_loss'"],
    ],
    [
      'a name that is not an output',
      [SOFTMAX, BINARY],
      { outputs: ['probs', 'nope'] },
      'ENTROPY_INVALID_OPTION',
      ['`outputs`', '"probs", "binary"', 'got "nope"'],
    ],
    [
      'a topK above the number of classes',
      [SOFTMAX],
      { topK: 4 },
      'ENTROPY_INVALID_OPTION',
      ['`topK`', '"probs" (3)', 'got 4'],
    ],
    [
      'a topK above 2 for one unit',
      [BINARY],
      { topK: 3 },
      'ENTROPY_INVALID_OPTION',
      ['`topK`', '"binary" (2)', 'got 3'],
    ],
    [
      'a topK above the number of classes of one output',
      [LOGITS, SOFTMAX],
      { topK: 4 },
      'ENTROPY_INVALID_OPTION',
      ['"probs" (3)'],
    ],
  ];

  test.each(cases)('%s', async (_, outputs, options, code, texts) => {
    await withModel(outputs, (model) => {
      let error: unknown;
      try {
        found(model, options);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toMatchObject({ name: 'EntropyCheckpointError', code });
      for (const text of texts) expect((error as Error).message).toContain(text);
    });
  });
});
