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
const OPEN: Output = ['open', 4, 'linear', 'categoricalCrossentropy'];

const DEFAULTS: ClassOutputOptions = { fromLogits: 'auto', outputs: null, topK: 2, isRequired: true };

/** Runs `body` with a compiled model of these outputs, which is disposed afterwards. */
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

/** Name and kind of what was found. */
function found(model: tf.LayersModel, options: Partial<ClassOutputOptions> = {}): Record<string, string> {
  const outputs = findClassOutputs(model, { ...DEFAULTS, ...options });
  return Object.fromEntries(
    [...outputs].map(([index, fromLogits]) => [
      model.outputNames[index],
      fromLogits ? 'logits' : 'probabilities',
    ]),
  ) as Record<string, string>;
}

describe('finds', () => {
  const cases: [string, Output[], Partial<ClassOutputOptions>, Record<string, string>][] = [
    ['a softmax output', [SOFTMAX], {}, { probs: 'probabilities' }],
    ['a sigmoid output of one unit', [BINARY], {}, { binary: 'probabilities' }],
    ['an output trained on a loss of logits', [LOGITS], {}, { logits: 'logits' }],
    ['every class output of several', [SOFTMAX, LOGITS], {}, { probs: 'probabilities', logits: 'logits' }],
    ['the class outputs beside one of values', [VALUE, SOFTMAX], {}, { probs: 'probabilities' }],
    [
      'those that `outputs` names',
      [SOFTMAX, BINARY, LOGITS],
      { outputs: ['logits', 'probs'] },
      { logits: 'logits', probs: 'probabilities' },
    ],
    [
      'what `outputs` names beside several sigmoid units',
      [LABELS, SOFTMAX],
      { outputs: ['probs'] },
      { probs: 'probabilities' },
    ],
    [
      'what `outputs` names beside one that cannot be told',
      [OPEN, SOFTMAX],
      { outputs: ['probs'] },
      { probs: 'probabilities' },
    ],
    ['what cannot be told, as logits if so set', [OPEN], { fromLogits: true }, { open: 'logits' }],
    [
      'what cannot be told, as probabilities if so set',
      [OPEN],
      { fromLogits: false },
      { open: 'probabilities' },
    ],
    ['a softmax output that is said to be one', [SOFTMAX], { fromLogits: false }, { probs: 'probabilities' }],
    ['logits that are said to be logits', [LOGITS], { fromLogits: true }, { logits: 'logits' }],
    [
      'an output of values if named and set',
      [VALUE],
      { fromLogits: true, outputs: ['value'] },
      { value: 'logits' },
    ],
    [
      'not an output of values that is not named, though set',
      [VALUE, SOFTMAX],
      { fromLogits: false },
      { probs: 'probabilities' },
    ],
    ['an output of one unit for a topK of 2', [BINARY], { topK: 2 }, { binary: 'probabilities' }],
    ['an output of as many classes as topK', [SOFTMAX], { topK: 3 }, { probs: 'probabilities' }],
  ];

  test.each(cases)('%s', async (_, outputs, options, expected) => {
    await withModel(outputs, (model) => {
      expect(found(model, options)).toEqual(expected);
    });
  });
});

describe('where no entropy is required', () => {
  const cases: [string, Output[], Partial<ClassOutputOptions>, Record<string, string>][] = [
    ['finds what it can', [SOFTMAX, LOGITS], {}, { probs: 'probabilities', logits: 'logits' }],
    ['finds nothing in a model without class outputs', [VALUE], {}, {}],
    ['leaves several sigmoid units out', [LABELS, SOFTMAX], {}, { probs: 'probabilities' }],
    ['leaves out what cannot be told', [OPEN, SOFTMAX], {}, { probs: 'probabilities' }],
    ['does not leave out what is set', [OPEN], { fromLogits: true }, { open: 'logits' }],
  ];

  test.each(cases)('%s', async (_, outputs, options, expected) => {
    await withModel(outputs, (model) => {
      expect(found(model, { ...options, isRequired: false })).toEqual(expected);
    });
  });

  test('still refuses what is named', async () => {
    await withModel([OPEN], (model) => {
      expect(() => found(model, { outputs: ['open'], isRequired: false })).toThrow(
        expect.objectContaining({ code: 'ENTROPY_AMBIGUOUS_OUTPUT' }),
      );
    });
  });
});

describe('refuses, and says what to set', () => {
  const cases: [
    what: string,
    outputs: Output[],
    options: Partial<ClassOutputOptions>,
    code: EntropyCheckpointErrorCode,
    texts: string[],
  ][] = [
    [
      'an output that cannot be told',
      [OPEN],
      {},
      'ENTROPY_AMBIGUOUS_OUTPUT',
      ['"open"', '`fromLogits: true`', '`fromLogits: false`', '`outputs`'],
    ],
    [
      'one of several that cannot be told',
      [SOFTMAX, OPEN],
      {},
      'ENTROPY_AMBIGUOUS_OUTPUT',
      ['"open"', '`outputs`'],
    ],
    [
      'a softmax output that is said to hold logits: softmax would be applied twice',
      [SOFTMAX],
      { fromLogits: true },
      'ENTROPY_INVALID_OPTION',
      ['"probs"', '`fromLogits`', 'twice'],
    ],
    [
      'logits that are said to be probabilities',
      [LOGITS],
      { fromLogits: false },
      'ENTROPY_INVALID_OPTION',
      ['"logits"', '`fromLogits`', 'taken for probabilities'],
    ],
    [
      'an output of values that is named',
      [VALUE],
      { outputs: ['value'] },
      'ENTROPY_AMBIGUOUS_OUTPUT',
      ['"value"', '`fromLogits: true`', 'if it holds classes at all'],
    ],
    [
      'several sigmoid units',
      [LABELS],
      {},
      'ENTROPY_NO_CLASS_OUTPUT',
      ['"labels"', 'got 5 sigmoid units', '`outputs`'],
    ],
    [
      'several sigmoid units beside a softmax',
      [SOFTMAX, LABELS],
      {},
      'ENTROPY_NO_CLASS_OUTPUT',
      ['"labels"', '`outputs`'],
    ],
    [
      'several sigmoid units, whatever fromLogits',
      [LABELS],
      { fromLogits: false },
      'ENTROPY_NO_CLASS_OUTPUT',
      ['"labels"'],
    ],
    [
      'several sigmoid units by name',
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
      'a name that is no output',
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
