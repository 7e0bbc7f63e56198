import * as tf from '@tensorflow/tfjs';
import { platform } from '#platform';
import { cpuKernels, wasmKernels } from './kernels/javascript.js';
import { webglKernels } from './kernels/webgl.js';
import { webgpuKernels } from './kernels/webgpu.js';

// By the backend's name alone: none need be loaded for that, nor ever be.
const kernels = [...cpuKernels, ...wasmKernels, ...webglKernels, ...webgpuKernels, ...platform.kernels];
for (const kernel of kernels) {
  const registered = tf.getKernel(kernel.kernelName, kernel.backendName) as tf.KernelConfig | undefined;
  // Two copies of this module in one process (a bundle beside node_modules, say) share tfjs's registry.
  if (registered === undefined) tf.registerKernel(kernel);
}
