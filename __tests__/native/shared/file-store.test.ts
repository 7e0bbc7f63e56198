import './use-tfjs-node.js';
import '../../stores/file/file-store.test.js';
