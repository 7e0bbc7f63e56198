import { platform } from '#platform';
import { cpuKernels, wasmKernels } from './kernels/javascript.js';
import { webglKernels } from './kernels/webgl.js';
import { webgpuKernels } from './kernels/webgpu.js';
import { registerKernels } from './register-kernels.js';

// When this is imported: for what scores predictions at once, with no moment to load the kernels in.
registerKernels([...cpuKernels, ...wasmKernels, ...webglKernels, ...webgpuKernels, ...platform.kernels]);
