import './use-tfjs-node.js';
import '../../checkpoint.test.js';
