import './use-tfjs-node.js';
import '../../saving/kept-epochs.test.js';
