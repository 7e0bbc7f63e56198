// Parcel doesn't find the split parts of a worker's code.
export { EntropyCheckpointCallback, loadCheckpoint } from 'tfjs-entropy-checkpoint/single';
