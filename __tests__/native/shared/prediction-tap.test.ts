import './use-tfjs-node.js';
import '../../predictions/prediction-tap.test.js';
