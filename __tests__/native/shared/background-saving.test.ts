import './use-tfjs-node.js';
import '../../saving/background-saving.test.js';
