import './use-tfjs-node.js';
import '../../callback.test.js';
