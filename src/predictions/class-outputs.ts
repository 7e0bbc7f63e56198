import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../errors.js';
import { outputKind, type OutputKind } from './output-kind.js';

/** The outputs to score, by their index in the model, and whether each holds logits. */
export type ClassOutputs = ReadonlyMap<number, boolean>;

export interface ClassOutputOptions {
  /** `'auto'`: told from the output layer and the loss. */
  readonly fromLogits: boolean | 'auto';
  /** Names of the outputs to score; null: all class outputs. */
  readonly outputs: readonly string[] | null;
  /** How many of the largest probabilities count. */
  readonly topK: number;
  /** Whether there must be one. Else what cannot be told is left out. */
  readonly required: boolean;
}

/**
 * The outputs of `model` that are class distributions, and whether each holds probabilities or logits.
 *
 * @param model a functional model; compiled, where the loss is to tell.
 * @returns empty where the model has none and none is required.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for a name that is no output, a `topK` above
 *   the number of classes, or a `fromLogits` that contradicts the layer; `ENTROPY_NO_CLASS_OUTPUT`
 *   without any, and for several sigmoid units;
 *   `ENTROPY_AMBIGUOUS_OUTPUT` where it cannot be told what an output holds.
 */
export function findClassOutputs(model: tf.LayersModel, options: ClassOutputOptions): ClassOutputs {
  const found = new Map<number, boolean>();
  const named = options.outputs !== null;
  for (const index of chosenOutputs(model, options.outputs)) {
    const kind = outputKind(model, index);
    const leftOut =
      kind === 'other' || (!options.required && (kind === 'multi-label' || isOpen(kind, options)));
    if (leftOut && !named) continue;
    const numClasses = model.outputs[index]?.shape.at(-1) ?? null;
    const name = model.outputNames[index] ?? String(index);
    const fromLogits = resolveFromLogits(kind, options.fromLogits, name, numClasses);
    checkTopK(options.topK, numClasses, name);
    found.set(index, fromLogits);
  }
  if (found.size === 0 && options.required) throw noClassOutput(model);
  return found;
}

/** Whether nothing tells if the output holds logits. */
function isOpen(kind: OutputKind, { fromLogits }: ClassOutputOptions): boolean {
  return kind === 'unknown' && fromLogits === 'auto';
}

function chosenOutputs(model: tf.LayersModel, names: readonly string[] | null): number[] {
  const { outputNames } = model;
  if (names === null) return [...outputNames.keys()];
  return names.map((name) => {
    const index = outputNames.indexOf(name);
    if (index >= 0) return index;
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      `Expected \`outputs\` to name outputs of the model (${quoted(outputNames)}), got "${name}".`,
    );
  });
}

function resolveFromLogits(
  kind: OutputKind,
  fromLogits: boolean | 'auto',
  name: string,
  units: number | null,
): boolean {
  if (kind === 'multi-label') {
    throw new EntropyCheckpointError(
      'ENTROPY_NO_CLASS_OUTPUT',
      `Expected output "${name}" to be one distribution over classes, got ${units ?? 'several'} sigmoid units, ` +
        'each a probability of its own. Name the outputs to score with `outputs`, or monitor a metric.',
    );
  }
  if (kind === 'probabilities' || kind === 'logits') {
    const told = kind === 'logits';
    if (fromLogits === 'auto' || fromLogits === told) return told;
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      `Expected \`fromLogits\` to be ${told} or 'auto', as output "${name}" holds ${kind} by its layer and loss, ` +
        `got ${fromLogits}. ${told ? 'They would be taken for probabilities.' : 'Softmax would be applied twice.'}`,
    );
  }
  if (fromLogits !== 'auto') return fromLogits;
  throw new EntropyCheckpointError(
    'ENTROPY_AMBIGUOUS_OUTPUT',
    `Cannot tell from layer and loss whether output "${name}" holds probabilities or logits. ` +
      'Set `fromLogits: true` for logits or `fromLogits: false` for probabilities' +
      (kind === 'other' ? ', if it holds classes at all.' : ', or name the outputs to score with `outputs`.'),
  );
}

function checkTopK(topK: number, numClasses: number | null, name: string): void {
  // One unit is the positive one of two classes.
  const distinct = numClasses === 1 ? 2 : numClasses;
  if (distinct === null || topK <= distinct) return;
  throw new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    `Expected \`topK\` to be at most the number of classes of output "${name}" (${distinct}), got ${topK}.`,
  );
}

function noClassOutput(model: tf.LayersModel): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_NO_CLASS_OUTPUT',
    `Expected a model with a class output (softmax, or one sigmoid unit), got ${quoted(model.outputNames)} ` +
      'without one. If one holds classes all the same, name it with `outputs` and set `fromLogits`; ' +
      "or monitor a metric, such as 'val_loss'.",
  );
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
