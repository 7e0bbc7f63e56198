import './use-tfjs-node.js';
import '../../retention.test.js';
