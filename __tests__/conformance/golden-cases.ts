import * as tf from '@tensorflow/tfjs';
import golden from '../golden/top-k-entropy.json' with { type: 'json' };
import { assertClose, stored, type ConformanceCase } from './conformance-case.js';
import { checkRows, probabilitiesOf, score, valuesOf } from './scoring.js';

interface GoldenCase {
  readonly name: string;
  readonly k: number;
  readonly shape: number[];
  readonly logits: number[];
  readonly entropy: number[];
}

const golden64: readonly GoldenCase[] = golden.cases;

function rowsOf(values: readonly number[], numClasses: number): number[][] {
  return Array.from({ length: values.length / numClasses }, (_, row) =>
    values.slice(row * numClasses, (row + 1) * numClasses),
  );
}

/** Compares with reference values that weren't computed by this project's code. */
export const goldenCases: readonly ConformanceCase[] = golden64.map(
  ({ name, k, shape, logits, entropy }) => ({
    name: `golden values: ${name}`,
    run: async (settings) => {
      const storedLogits = logits.map((logit) => stored(logit, settings));
      const rows = rowsOf(storedLogits, shape.at(-1)!);
      await checkRows(rows, settings, { k }, shape);
      await checkRows(probabilitiesOf(rows, settings), settings, { k, fromLogits: false }, shape);
      // Half precision rounds the logits, whose entropies then differ from the reference.
      if (settings.halfPrecision === true) return;
      const entropies = await valuesOf(() => score(tf.tensor(logits, shape), settings, { k }));
      assertClose(entropies, entropy, settings.tolerance);
    },
  }),
);
