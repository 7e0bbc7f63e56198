import './use-tfjs-node.js';
import '../../stores/file/file-store-crashes.test.js';
