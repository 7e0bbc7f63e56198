import { KERNEL_CASES } from './all-cases.js';
import { describeConformance } from './describe-conformance.js';

describeConformance({ runtime: 'node', backend: 'wasm' }, { tolerance: 1e-5 });
describeConformance({ runtime: 'node', backend: 'wasm' }, { tolerance: 1e-5, composed: true }, KERNEL_CASES);
