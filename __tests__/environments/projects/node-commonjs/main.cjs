const tf = require('@tensorflow/tfjs');
const { EntropyCheckpointCallback, loadCheckpoint } = require('tfjs-entropy-checkpoint');
const { toyTraining } = require('./toy-training.js');

toyTraining(tf, { EntropyCheckpointCallback, loadCheckpoint }, 'toy').then(
  async ({ checkpoint, summary }) => {
    const report = await checkpoint.report();
    process.stdout.write(`${JSON.stringify({ ...summary, report })}\n`);
  },
);
