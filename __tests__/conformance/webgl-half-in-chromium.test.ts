import { describeConformance } from './describe-conformance.js';

// Half precision holds values below 1 to within 2^−12 = 2.4e-4: of the predictions, and of the entropies.
describeConformance(
  {
    place: 'chromium',
    backend: 'webgl',
    flags: { WEBGL_FORCE_F16_TEXTURES: true, WEBGL_CPU_FORWARD: false },
  },
  { tolerance: 5e-4, half: true },
);
