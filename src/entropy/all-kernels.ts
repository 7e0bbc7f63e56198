import * as tf from '@tensorflow/tfjs';
import { cpuKernels, wasmKernels } from './kernels/javascript.js';
import { tensorflowKernels } from './kernels/tensorflow.js';
import { webglKernels } from './kernels/webgl.js';
import { webgpuKernels } from './kernels/webgpu.js';

// Importing this module registers the kernels under the names of their backends. No backend needs to be loaded for it.
for (const kernel of [
  ...cpuKernels,
  ...wasmKernels,
  ...webglKernels,
  ...webgpuKernels,
  ...tensorflowKernels,
]) {
  const registered = tf.getKernel(kernel.kernelName, kernel.backendName) as tf.KernelConfig | undefined;
  // Two copies of this package in one process (a bundle beside node_modules, say) share the registry of TensorFlow.js.
  if (registered === undefined) tf.registerKernel(kernel);
}
