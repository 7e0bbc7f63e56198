import './use-tfjs-node.js';
import '../../callback-registered.test.js';
