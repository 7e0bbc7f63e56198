import { describeConformance } from './describe-conformance.js';

describeConformance(
  { place: 'chromium', backend: 'webgl', flags: { WEBGL_CPU_FORWARD: false } },
  { tolerance: 1e-5 },
);
