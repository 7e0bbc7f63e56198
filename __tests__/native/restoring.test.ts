import { describeRestoring } from '../conformance/describe-restoring.js';

describeRestoring([
  { runtime: 'node', backend: 'tensorflow' },
  { runtime: 'node', backend: 'cpu' },
  { runtime: 'node', backend: 'wasm' },
  { runtime: 'node', backend: 'webgpu' },
  { runtime: 'chromium', backend: 'webgl' },
  { runtime: 'chromium', backend: 'webgpu' },
]);
