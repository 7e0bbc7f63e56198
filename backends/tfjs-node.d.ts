// `npm ci` does not install it, scripts/native/install.sh does; of its types, what is used.
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
