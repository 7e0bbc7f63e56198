import './use-tfjs-node.js';
import '../../stores/file-store.test.js';
