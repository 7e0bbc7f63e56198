import './use-tfjs-node.js';
import '../../stores/file/file-lock.test.js';
