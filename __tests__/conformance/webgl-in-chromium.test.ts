import { describeConformance } from './describe-conformance.js';

describeConformance({ place: 'chromium', backend: 'webgl' }, { tolerance: 1e-5 });
