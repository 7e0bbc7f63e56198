import './use-tfjs-node.js';
import '../../background-writing.test.js';
