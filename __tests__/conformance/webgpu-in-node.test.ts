import { ALL_CASES, SAMPLE_CASES } from './all-cases.js';
import { describeConformance } from './describe-conformance.js';
import { IS_THOROUGH } from '../support/thorough.js';

describeConformance(
  { runtime: 'node', backend: 'webgpu' },
  { tolerance: 1e-5 },
  IS_THOROUGH ? ALL_CASES : SAMPLE_CASES,
);
