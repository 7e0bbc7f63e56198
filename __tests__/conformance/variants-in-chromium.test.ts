import { describeConformance } from './describe-conformance.js';
import { goldenCases } from './golden-cases.js';

// The reference values on variants of the backends. Their `.slow.test.ts` suites run every case.
describeConformance(
  { runtime: 'chromium', backend: 'webgl', flags: { WEBGL_VERSION: 1, WEBGL_CPU_FORWARD: false } },
  { tolerance: 1e-5 },
  goldenCases,
);
describeConformance(
  {
    runtime: 'chromium',
    backend: 'webgl',
    flags: { WEBGL_FORCE_F16_TEXTURES: true, WEBGL_CPU_FORWARD: false },
  },
  { tolerance: 5e-4, halfPrecision: true },
  goldenCases,
);
describeConformance({ runtime: 'chromium', backend: 'webgpu' }, { tolerance: 1e-5 }, goldenCases);
