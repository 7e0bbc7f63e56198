import './use-tfjs-node.js';
import '../../resume.test.js';
