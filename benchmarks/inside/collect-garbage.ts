/**
 * Collects garbage in Node. Otherwise the garbage of one measurement could be collected in the time of the next.
 * Browsers have no function for it.
 */
export const collectGarbage: () => void = garbageCollector();

function garbageCollector(): () => void {
  const { gc, process } = globalThis as { gc?: () => void; process?: Partial<NodeJS.Process> };
  if (gc !== undefined) return gc;
  if (process?.getBuiltinModule === undefined) return () => undefined;
  process.getBuiltinModule('node:v8').setFlagsFromString('--expose-gc');
  return process.getBuiltinModule('node:vm').runInNewContext('gc') as () => void;
}
