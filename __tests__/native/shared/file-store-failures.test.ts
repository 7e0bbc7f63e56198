import './use-tfjs-node.js';
import '../../stores/file/file-store-failures.test.js';
