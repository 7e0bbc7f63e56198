import './use-tfjs-node.js';
import '../../selection/monitors/in-fit.test.js';
