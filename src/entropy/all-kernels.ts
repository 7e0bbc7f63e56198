import * as tf from '@tensorflow/tfjs';
import { cpuKernels, wasmKernels } from './kernels/javascript.js';
import { tensorflowKernels } from './kernels/tensorflow.js';
import { webglKernels } from './kernels/webgl.js';
import { webgpuKernels } from './kernels/webgpu.js';

// Importing this registers the kernels by the names of their backends, none of which needs to be loaded.
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
