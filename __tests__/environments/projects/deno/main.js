import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, loadCheckpoint } from 'tfjs-entropy-checkpoint';
import { toyTraining } from './toy-training.js';

const { checkpoint, summary } = await toyTraining(tf, { EntropyCheckpointCallback, loadCheckpoint }, 'toy');
const report = await checkpoint.report();
process.stdout.write(`${JSON.stringify({ ...summary, report })}\n`);
