import { ALL_CASES, SAMPLE_CASES } from './all-cases.js';
import { describeConformance } from './describe-conformance.js';
import { IS_THOROUGH } from '../support/thorough.js';

describeConformance(
  { runtime: 'chromium', backend: 'webgl', flags: { WEBGL_CPU_FORWARD: false } },
  { tolerance: 1e-5 },
  IS_THOROUGH ? ALL_CASES : SAMPLE_CASES,
);
