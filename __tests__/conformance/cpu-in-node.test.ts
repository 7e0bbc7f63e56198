import { OPERATIONS } from './all-cases.js';
import { describeConformance } from './describe-conformance.js';

describeConformance({ place: 'node', backend: 'cpu' }, { tolerance: 1e-6 });
describeConformance({ place: 'node', backend: 'cpu' }, { tolerance: 1e-6, composed: true }, OPERATIONS);
