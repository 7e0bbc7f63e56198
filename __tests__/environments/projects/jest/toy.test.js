const tf = require('@tensorflow/tfjs');
const { EntropyCheckpointCallback, loadCheckpoint } = require('tfjs-entropy-checkpoint');
const single = require('tfjs-entropy-checkpoint/single');
const { toyTraining } = require('./toy-training.cjs');

test('trains, saves to a folder, loads back and reports', async () => {
  const library = { EntropyCheckpointCallback, loadCheckpoint };
  const { checkpoint, summary } = await toyTraining(tf, library, `${__dirname}/toy`);
  expect(summary).toMatchObject({ epochs: 3, epoch: 0, isBestLast: false, isRestored: true, isLoaded: true });
  expect(await checkpoint.report()).toContain('<svg');
});

test('one class by both names', () => {
  expect(single.EntropyCheckpointCallback).toBe(EntropyCheckpointCallback);
});
