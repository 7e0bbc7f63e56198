import './use-tfjs-node.js';
import '../../saving/resume-in-fit.test.js';
