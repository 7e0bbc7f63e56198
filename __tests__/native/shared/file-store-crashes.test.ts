import './use-tfjs-node.js';
import '../../stores/file-store-crashes.test.js';
