// This version of Vite builds a worker as one file, and can't split it.
export { EntropyCheckpointCallback, loadCheckpoint } from 'tfjs-entropy-checkpoint/single';
