import { writeFile } from 'node:fs/promises';
import seedrandom from 'seedrandom';
import { EntropyCheckpointError } from 'tfjs-entropy-checkpoint';
import { useBackend } from './backend.js';
import { compareEpochs, comparisonTable, recommendation, verdict } from './comparison.js';
import { loadDataset } from './dataset.js';
import { epochTable } from './epoch-table.js';
import type { Flags } from './flags.js';
import { predictInNewProcess } from './new-process.js';
import { NUM_CLASSES } from './image-pool.js';
import { withLabelNoise } from './label-noise.js';
import { MLP_LAYERS } from './mlp.js';
import { count, shortPercent } from './number-format.js';
import { isExact, restoreTable } from './restored-predictions.js';
import { train } from './train.js';

/**
 * Runs the example. A failure exits with status 1.
 *
 * @param args the command line of `flags`, for the new process.
 */
export async function run(flags: Flags, args: readonly string[]): Promise<void> {
  try {
    await trainAndCompare(flags, args);
  } catch (error) {
    console.error(error instanceof EntropyCheckpointError ? error.message : error);
    process.exit(1);
  }
}

async function trainAndCompare(flags: Flags, args: readonly string[]): Promise<void> {
  // tfjs draws the initial weights and the order of the images from Math.random.
  seedrandom(String(flags.seed), { global: true });
  console.log(describeRun(flags));
  await useBackend(flags.backend);

  const { dataset: name, samples: trainSamples, testSamples, noise: rate, noiseType: type, seed } = flags;
  const dataset = loadDataset({ name, trainSamples, testSamples, seed });
  const noisyLabels = withLabelNoise(dataset.train.labels, { type, rate, numClasses: NUM_CLASSES, seed });

  const startMs = performance.now();
  const result = await train(dataset, noisyLabels, flags);
  // On stderr, so that two runs with the same seed print the same on stdout.
  console.error(`Trained for ${((performance.now() - startMs) / 1000).toFixed(1)} s.`);
  console.log(epochTable(result, flags.monitor));

  console.log(`\n${wrapLines(result.explanation)}`);

  const { best, bestProbabilities, restoredProbabilities } = result;
  const loadedProbabilities = await predictInNewProcess(args);
  const predictions = {
    original: bestProbabilities,
    restored: restoredProbabilities,
    loaded: loadedProbabilities,
  };
  console.log(`\nEpoch ${best.epoch} is stored in ${flags.out}. A restored network predicts the same:`);
  console.log(restoreTable(predictions, dataset.test.labels));
  if (!isExact(predictions)) throw new Error('The restored network predicts something else.');

  await writeFile(flags.report, result.report);
  console.log(`\nOpen ${flags.report} in a browser to see the curves of all epochs.`);

  const comparison = compareEpochs(
    result.epochs,
    best.epoch,
    result.averagedBest.epoch,
    flags.averageWeights,
  );
  console.log(`\nWhat you would have after this training, tested on ${count(testSamples)} clean labels:`);
  console.log(comparisonTable(comparison, flags));
  console.log(`\n${wrapLines(verdict(comparison, testSamples))}`);
  console.log(`\n${recommendation(comparison)}`);
}

/** Wraps a text at 80 characters. */
function wrapLines(text: string): string {
  return text.replace(/(.{1,80})(?:\s|$)/g, '$1\n').trimEnd();
}

function describeRun({ dataset, samples, noise, noiseType, epochs, seed, backend }: Flags): string {
  return (
    `${count(samples)} images of ${dataset}, ${shortPercent(noise)} with a wrong label (${noiseType}).\n` +
    `Network ${MLP_LAYERS.join('-')}, ${epochs} epochs from 0, seed ${seed}, backend ${backend}.\n`
  );
}
