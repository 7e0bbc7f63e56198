import './use-tfjs-node.js';
import '../../state/training-state.test.js';
