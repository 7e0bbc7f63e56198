import { describeConformance, OPERATIONS } from './describe-conformance.js';

describeConformance(
  { place: 'chromium', backend: 'webgl', flags: { WEBGL_VERSION: 1 } },
  { tolerance: 1e-5 },
  OPERATIONS,
);
