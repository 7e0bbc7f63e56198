import { describeConformance } from './describe-conformance.js';

// Half precision rounds the predictions and the entropies. Below 1, each is off by at most 2^−12 = 2.4e-4.
describeConformance(
  {
    runtime: 'chromium',
    backend: 'webgl',
    flags: { WEBGL_FORCE_F16_TEXTURES: true, WEBGL_CPU_FORWARD: false },
  },
  { tolerance: 5e-4, halfPrecision: true },
);
