/** Loads the checkpoint that main.ts has stored, and predicts the clean test images. Takes the same flags. */
import { loadCheckpoint } from 'tfjs-entropy-checkpoint';
import { useBackend } from './backend.js';
import { loadDataset } from './dataset.js';
import { parseFlags } from './flags.js';
import { accuracy, predict } from './predictions.js';
import { percent } from './number-format.js';

const { dataset: name, testSamples, seed, out, backend } = parseFlags(process.argv.slice(2));
await useBackend(backend);
const { test } = loadDataset({ name, trainSamples: 0, testSamples, seed });

const { model, record } = await loadCheckpoint(out);
const probabilities = predict(model, test);

if (process.send) {
  process.send(probabilities);
} else {
  const share = percent(accuracy(probabilities, test.labels));
  console.log(`Epoch ${record.epoch} of ${out} gets ${share} of ${testSamples} clean test images right.`);
}
