import './use-tfjs-node.js';
import '../../load-checkpoint.test.js';
