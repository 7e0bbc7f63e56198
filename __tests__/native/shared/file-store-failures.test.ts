import './use-tfjs-node.js';
import '../../stores/file-store-failures.test.js';
