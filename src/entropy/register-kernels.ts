import * as tf from '@tensorflow/tfjs';

/** Lets tfjs find the kernels, by the names of their backends: none need be loaded for that, nor ever be. */
export function registerKernels(kernels: readonly tf.KernelConfig[]): void {
  for (const kernel of kernels) {
    const registered = tf.getKernel(kernel.kernelName, kernel.backendName) as tf.KernelConfig | undefined;
    // Two copies of this package in one process (a bundle beside node_modules, say) share tfjs's registry.
    if (registered === undefined) tf.registerKernel(kernel);
  }
}
