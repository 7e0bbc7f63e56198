import { KERNEL_CASES } from '../conformance/all-cases.js';
import { describeConformance } from '../conformance/describe-conformance.js';

describeConformance({ runtime: 'node', backend: 'tensorflow' }, { tolerance: 1e-6 });
describeConformance(
  { runtime: 'node', backend: 'tensorflow' },
  { tolerance: 1e-6, composed: true },
  KERNEL_CASES,
);
describeConformance({ runtime: 'node', backend: 'tensorflow' }, { tolerance: 1e-5, simulatesGpu: true });
