import './use-tfjs-node.js';
import '../../stores/handler-store.test.js';
