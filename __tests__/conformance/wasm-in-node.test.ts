import { OPERATIONS } from './all-cases.js';
import { describeConformance } from './describe-conformance.js';

describeConformance({ place: 'node', backend: 'wasm' }, { tolerance: 1e-5 });
describeConformance({ place: 'node', backend: 'wasm' }, { tolerance: 1e-5, composed: true }, OPERATIONS);
