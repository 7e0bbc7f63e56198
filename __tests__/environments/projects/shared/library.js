export { EntropyCheckpointCallback, loadCheckpoint } from 'tfjs-entropy-checkpoint';
