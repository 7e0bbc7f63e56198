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

/** The reference itself, which no code of this project has made. */
export const goldenCases: readonly ConformanceCase[] = golden64.map(
  ({ name, k, shape, logits, entropy }) => ({
    name: `golden values: ${name}`,
    run: async (terms) => {
      const held = logits.map((logit) => stored(logit, terms));
      const rows = rowsOf(held, shape.at(-1)!);
      await checkRows(rows, terms, { k }, shape);
      await checkRows(probabilitiesOf(rows, terms), terms, { k, fromLogits: false }, shape);
      // Of half precision, what is rounded above has other entropies than the reference.
      if (terms.half === true) return;
      const entropies = await valuesOf(() => score(tf.tensor(logits, shape), terms, { k }));
      assertClose(entropies, entropy, terms.tolerance);
    },
  }),
);
