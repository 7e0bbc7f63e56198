import * as tf from '@tensorflow/tfjs';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';

/**
 * The name of a backend whose memory this package can't read, like that of a GPU: the cpu backend of TensorFlow.js under
 * another name, without kernels of this package.
 */
export const DEVICE = 'device';

tf.registerBackend(DEVICE, () => new MathBackendCPU());
for (const kernel of tf.getKernelsForBackend('cpu')) {
  if (!kernel.kernelName.startsWith('EntropyCheckpoint'))
    tf.registerKernel({ ...kernel, backendName: DEVICE });
}
