import './use-tfjs-node.js';
import '../../callback-tap.test.js';
