// scripts/native/install.sh installs tfjs-node, `npm ci` does not. These are the types that are used.
declare module '@tensorflow/tfjs-node' {
  import type * as tf from '@tensorflow/tfjs';

  export * from '@tensorflow/tfjs';
  export const node: {
    tensorBoard(logdir: string, args?: { updateFreq?: 'batch' | 'epoch' }): tf.CustomCallback;
  };
}

declare module '@tensorflow/tfjs-node-gpu' {
  export * from '@tensorflow/tfjs-node';
}
