const tf = require('@tensorflow/tfjs');
const { EntropyCheckpointCallback, loadCheckpoint } = require('tfjs-entropy-checkpoint');
const { toyTraining } = require('./toy-training.cjs');

test('trains, saves to localStorage and loads back', async () => {
  const library = { EntropyCheckpointCallback, loadCheckpoint };
  const { summary } = await toyTraining(tf, library, 'localstorage://toy');
  expect(summary).toMatchObject({ epochs: 3, epoch: 0, isBestLast: false, isRestored: true, isLoaded: true });
});
