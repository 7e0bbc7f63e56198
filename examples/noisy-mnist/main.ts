/**
 * Trains a network on images with wrong labels, keeps the epoch with the highest entropy, loads it in a new process, and
 * compares it with the other epochs on clean test data. `npm start -- --help` lists the flags.
 */
import { writeFile } from 'node:fs/promises';
import seedrandom from 'seedrandom';
import { EntropyCheckpointError } from 'tfjs-entropy-checkpoint';
import { useBackend } from './backend.js';
import { compareEpochs, comparisonTable, verdict } from './comparison.js';
import { loadDataset } from './dataset.js';
import { epochTable } from './epoch-table.js';
import { parseFlags, type Flags } from './flags.js';
import { predictInNewProcess } from './new-process.js';
import { NUM_CLASSES } from './image-pool.js';
import { withLabelNoise } from './label-noise.js';
import { MLP_LAYERS } from './mlp.js';
import { count, shortPercent } from './number-format.js';
import { isExact, restoreTable } from './restored-predictions.js';
import { train } from './train.js';

async function main(args: readonly string[]): Promise<void> {
  const flags = parseFlags(args);
  // tfjs draws the initial weights and the order of the images from Math.random.
  seedrandom(String(flags.seed), { global: true });
  await useBackend(flags.backend);
  console.log(describeRun(flags));

  const { dataset: name, samples: trainSamples, testSamples, noise: rate, noiseType: type, seed } = flags;
  const dataset = loadDataset({ name, trainSamples, testSamples, seed });
  const noisyLabels = withLabelNoise(dataset.train.labels, { type, rate, numClasses: NUM_CLASSES, seed });

  const startMs = performance.now();
  const result = await train(dataset, noisyLabels, flags);
  // On stderr, so that two runs with the same seed print the same on stdout.
  console.error(`Trained for ${((performance.now() - startMs) / 1000).toFixed(1)} s.`);
  console.log(epochTable(result));

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

  const comparison = compareEpochs(
    result.epochs,
    best.epoch,
    result.averagedBest.epoch,
    flags.averageWeights,
  );
  console.log('\nThe kept epoch, compared with others:');
  console.log(comparisonTable(comparison, keptBy(flags)));
  console.log(`\n${verdict(comparison, testSamples)}`);

  await writeFile(flags.report, result.report);
  console.log(`\nOpen ${flags.report} in a browser to see the curves of all epochs.`);
}

function keptBy({ monitor, averageWeights }: Flags): string {
  return `${averageWeights ? '--average-weights ' : ''}--monitor ${monitor}`;
}

/** Wraps a text at 100 characters. */
function wrapLines(text: string): string {
  return text.replace(/(.{1,100})(?:\s|$)/g, '$1\n').trimEnd();
}

function describeRun({ dataset, samples, noise, noiseType, seed, backend }: Flags): string {
  return (
    `${count(samples)} images of ${dataset}, ${shortPercent(noise)} with a wrong label (${noiseType}).\n` +
    `Network ${MLP_LAYERS.join('-')}, seed ${seed}, backend ${backend}.\n`
  );
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof EntropyCheckpointError ? error.message : error);
  process.exit(1);
}
