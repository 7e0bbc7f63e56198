import { describeConformance } from './describe-conformance.js';

describeConformance({ place: 'chromium', backend: 'webgpu' }, { tolerance: 1e-5 });
