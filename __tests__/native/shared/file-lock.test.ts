import './use-tfjs-node.js';
import '../../stores/file-lock.test.js';
