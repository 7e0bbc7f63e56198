import { KERNEL_CASES } from './all-cases.js';
import { describeConformance } from './describe-conformance.js';

describeConformance({ runtime: 'node', backend: 'cpu' }, { tolerance: 1e-6 });
describeConformance({ runtime: 'node', backend: 'cpu' }, { tolerance: 1e-6, composed: true }, KERNEL_CASES);
