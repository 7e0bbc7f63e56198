import { OPERATIONS } from '../conformance/all-cases.js';
import { describeConformance } from '../conformance/describe-conformance.js';

describeConformance({ place: 'node', backend: 'tensorflow' }, { tolerance: 1e-6 });
describeConformance(
  { place: 'node', backend: 'tensorflow' },
  { tolerance: 1e-6, composed: true },
  OPERATIONS,
);
describeConformance({ place: 'node', backend: 'tensorflow' }, { tolerance: 1e-5, asOnGpu: true });
