// A program that trains by a library of others: the head of a speech recogniser, then the layer before it as well.
// The library makes the model, and passes its `callback` to `fit` in a list.
import assert from 'node:assert/strict';
import * as speechCommands from '@tensorflow-models/speech-commands';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, loadCheckpoint } from 'tfjs-entropy-checkpoint';

const NUM_FRAMES = 8;
const FRAME_SIZE = 12;
const WORDS = ['left', 'right', 'stop'];

/** What the library would load from the web, as small as can be. */
async function baseModel() {
  const layers = [
    tf.layers.flatten({ inputShape: [NUM_FRAMES, FRAME_SIZE, 1] }),
    tf.layers.dense({
      units: 16,
      activation: 'relu',
      kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }),
    }),
    tf.layers.dense({ units: 4, activation: 'softmax' }),
  ];
  let artifacts;
  const handler = tf.io.withSaveHandler((saved) => {
    artifacts = saved;
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  });
  await tf.sequential({ layers }).save(handler);
  return artifacts;
}

/** A tone for each word, with another one over it that is of no word. */
function spectrogram(word, index) {
  const data = Float32Array.from(
    { length: NUM_FRAMES * FRAME_SIZE },
    (_, i) => Math.sin(i * (word + 1)) + Math.sin(index * 7 + i * 3),
  );
  return { frameSize: FRAME_SIZE, data };
}

const dataset = new speechCommands.Dataset();
for (let index = 0; index < 60; index++) {
  const word = index % WORDS.length;
  dataset.addExample({ label: WORDS[word], spectrogram: spectrogram(word, index) });
}

const wordLabels = ['one', 'two', 'three', 'four'];
const recognizer = speechCommands.create('BROWSER_FFT', undefined, await baseModel(), { wordLabels });
await recognizer.ensureModelLoaded();
const transfer = recognizer.createTransfer('directions');
transfer.loadExamples(dataset.serialize());

const probe = tf.tensor4d(spectrogram(1, 100).data, [1, NUM_FRAMES, FRAME_SIZE, 1]);
const recognized = async () => Array.from((await transfer.recognize(probe)).scores);

// The first epoch is the best, so that the last isn't.
const scores = [];
const onBest = async () => void scores.push(await recognized());
const checkpoint = new EntropyCheckpointCallback({
  filepath: 'toy',
  monitor: ({ epoch }) => -epoch,
  mode: 'max',
  onBest,
});
await transfer.train({
  epochs: 3,
  validationSplit: 0.25,
  callback: checkpoint,
  fineTuningEpochs: 2,
  fineTuningCallback: checkpoint,
});

assert.deepEqual(
  checkpoint.history.map(({ fit, epoch }) => [fit, epoch]),
  [
    [0, 0],
    [0, 1],
    [0, 2],
    [1, 3],
    [1, 4],
  ],
);
for (const { logs, trainEntropy, valEntropy } of checkpoint.history) {
  assert.ok(trainEntropy > 0 && valEntropy > 0 && logs.val_acc >= 0);
}
assert.equal(scores.length, 1);
const last = await recognized();
assert.notDeepEqual(last, scores[0]);

// The library's recogniser has the best epoch again, and so has a new model.
await checkpoint.loadCheckpoint();
assert.deepEqual(await recognized(), scores[0]);
const { model, record } = await loadCheckpoint('toy');
assert.equal(record.epoch, 0);
assert.deepEqual(Array.from(model.predict(probe).dataSync()), scores[0]);

const what = "its transfer learning and fine-tuning, by the library's own `train`";
process.stdout.write(`${JSON.stringify({ ok: true, what })}\n`);
