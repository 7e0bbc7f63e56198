import { describeRestoring } from '../conformance/describe-restoring.js';

describeRestoring([
  { place: 'node', backend: 'tensorflow' },
  { place: 'node', backend: 'cpu' },
  { place: 'node', backend: 'wasm' },
  { place: 'node', backend: 'webgpu' },
  { place: 'chromium', backend: 'webgl' },
  { place: 'chromium', backend: 'webgpu' },
]);
