import * as tf from '@tensorflow/tfjs';
import { topKEntropyCpu } from './kernels/cpu.js';

for (const kernel of [topKEntropyCpu]) {
  const registered = tf.getKernel(kernel.kernelName, kernel.backendName) as tf.KernelConfig | undefined;
  // Two copies of this module in one process (a bundle beside node_modules, say) share tfjs's registry.
  if (registered === undefined) tf.registerKernel(kernel);
}
