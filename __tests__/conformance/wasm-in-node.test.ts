import { describeConformance, OPERATIONS } from './describe-conformance.js';

describeConformance({ place: 'node', backend: 'wasm' }, { tolerance: 1e-5 });
describeConformance({ place: 'node', backend: 'wasm' }, { tolerance: 1e-5, composed: true }, OPERATIONS);
