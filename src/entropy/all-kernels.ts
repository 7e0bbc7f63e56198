import { registerKernels } from '../tfjs-internals.js';
import { cpuKernels, wasmKernels } from './kernels/javascript.js';
import { tensorflowKernels } from './kernels/tensorflow.js';
import { webglKernels } from './kernels/webgl.js';
import { webgpuKernels } from './kernels/webgpu.js';

// Importing this module registers the kernels.
registerKernels([...cpuKernels, ...wasmKernels, ...webglKernels, ...webgpuKernels, ...tensorflowKernels]);
