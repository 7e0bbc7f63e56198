import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointError } from '../errors.js';
import type { OutputSize } from '../scoring/prediction-changes.js';
import { outputKind, type OutputKind } from './output-kind.js';

/** The outputs to score, by their index in the model. The value says whether the output holds logits. */
export type ClassOutputs = ReadonlyMap<number, boolean>;

export interface ClassOutputOptions {
  /** `'auto'`: inferred from the output layer and the loss. */
  readonly fromLogits: boolean | 'auto';
  /** Names of the outputs to score; null for all class outputs. */
  readonly outputs: readonly string[] | null;
  /** How many of the largest probabilities count. */
  readonly topK: number;
  /** Whether the model must have a class output. If not, ambiguous outputs are left out. */
  readonly isRequired: boolean;
}

/**
 * Finds the outputs of `model` that are distributions over classes, and whether each holds probabilities or logits.
 *
 * @param model a functional model; compiled if the loss is needed to infer that.
 * @returns empty if the model has no class output and none is required.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for a name that isn't an output, a `topK` above the number of
 *   classes, or a `fromLogits` that contradicts the layer; `ENTROPY_NO_CLASS_OUTPUT` without a class output, and for
 *   several sigmoid units; `ENTROPY_AMBIGUOUS_OUTPUT` if it's unclear what an output holds.
 */
export function findClassOutputs(model: tf.LayersModel, options: ClassOutputOptions): ClassOutputs {
  const found = new Map<number, boolean>();
  const isNamed = options.outputs !== null;
  for (const index of selectedOutputs(model, options.outputs)) {
    const kind = outputKind(model, index);
    const isAmbiguous = kind === 'multi-label' || (kind === 'unknown' && options.fromLogits === 'auto');
    if (!isNamed && (kind === 'other' || (isAmbiguous && !options.isRequired))) continue;
    const numClasses = model.outputs[index]?.shape.at(-1) ?? null;
    const name = model.outputNames[index] ?? String(index);
    const fromLogits = resolveFromLogits(kind, options.fromLogits, name, numClasses);
    checkTopK(options.topK, numClasses, name);
    found.set(index, fromLogits);
  }
  if (found.size === 0 && options.isRequired) throw noClassOutput(model);
  return found;
}

/**
 * The sizes of class outputs whose rows are compared from epoch to epoch.
 *
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for several outputs if the size of one isn't known: a stored
 *   comparison could not be split among them.
 */
export function outputSizes(
  model: tf.LayersModel,
  found: ClassOutputs,
  monitor: string,
): Map<number, OutputSize> {
  const sizes = new Map<number, OutputSize>();
  if (found.size < 2) return sizes;
  for (const index of found.keys()) {
    const shape = model.outputs[index]?.shape.slice(1) ?? [null];
    if (shape.includes(null)) throw unknownSize(model.outputNames[index] ?? String(index), monitor);
    const numbers = shape.map((size) => size ?? 1);
    const rowsPerExample = numbers.slice(0, -1).reduce((product, size) => product * size, 1);
    sizes.set(index, { rowsPerExample, numClasses: numbers.at(-1) ?? 1 });
  }
  return sizes;
}

function unknownSize(name: string, monitor: string): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    `Name a single output with \`outputs\`: \`monitor: '${monitor}'\` compares the rows of several outputs only if their ` +
      `shapes are known, got output "${name}" with a dimension of any size.`,
  );
}

function selectedOutputs(model: tf.LayersModel, names: readonly string[] | null): number[] {
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
      `Name the outputs to score with \`outputs\`, or monitor a metric: output "${name}" has ${units ?? 'several'} sigmoid ` +
        'units, each an independent probability, and is not one distribution over classes.',
    );
  }
  if (kind === 'probabilities' || kind === 'logits') {
    const inferred = kind === 'logits';
    if (fromLogits === 'auto' || fromLogits === inferred) return inferred;
    throw new EntropyCheckpointError(
      'ENTROPY_INVALID_OPTION',
      `Expected \`fromLogits\` to be ${inferred} or 'auto', as output "${name}" holds ${kind} by its layer and loss, got ` +
        `${fromLogits}. ${inferred ? 'Logits would be taken for probabilities.' : 'Softmax would be applied twice.'}`,
    );
  }
  if (fromLogits !== 'auto') return fromLogits;
  throw new EntropyCheckpointError(
    'ENTROPY_AMBIGUOUS_OUTPUT',
    'Set `fromLogits: true` for logits or `fromLogits: false` for probabilities, name the outputs to score with ' +
      `\`outputs\`, or monitor a metric, such as \`monitor: 'val_acc'\`: what output "${name}" holds cannot be inferred from ` +
      'its layer and loss.',
  );
}

function checkTopK(topK: number, numClasses: number | null, name: string): void {
  // A single unit is the positive class of two.
  const maxTopK = numClasses === 1 ? 2 : numClasses;
  if (maxTopK === null || topK <= maxTopK) return;
  throw new EntropyCheckpointError(
    'ENTROPY_INVALID_OPTION',
    `Expected \`topK\` to be at most the number of classes of output "${name}" (${maxTopK}), got ${topK}.`,
  );
}

function noClassOutput(model: tf.LayersModel): EntropyCheckpointError {
  return new EntropyCheckpointError(
    'ENTROPY_NO_CLASS_OUTPUT',
    "Monitor a metric, such as 'val_loss', or name an output that holds classes with `outputs` and set `fromLogits`: " +
      `expected a class output (softmax, or one sigmoid unit), got ${quoted(model.outputNames)}.`,
  );
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
