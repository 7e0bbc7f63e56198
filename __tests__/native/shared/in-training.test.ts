import './use-tfjs-node.js';
import '../../criteria/in-training.test.js';
