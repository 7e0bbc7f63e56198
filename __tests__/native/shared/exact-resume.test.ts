import './use-tfjs-node.js';
import '../../state/exact-resume.test.js';
