import { KERNEL_CASES } from './all-cases.js';
import { describeConformance } from './describe-conformance.js';

describeConformance(
  { runtime: 'chromium', backend: 'webgl', flags: { WEBGL_VERSION: 1, WEBGL_CPU_FORWARD: false } },
  { tolerance: 1e-5 },
  KERNEL_CASES,
);
