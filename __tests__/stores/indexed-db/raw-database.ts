/** Access to the database of `IndexedDbStore` without the store. Runs in a page. */

export const DATABASE = 'tfjs-entropy-checkpoint';

export interface RawRecords {
  readonly manifests: Readonly<Record<string, unknown>>;
  /** The size of each shard, in bytes. */
  readonly shards: Readonly<Record<string, number>>;
}

export function requestResult<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(request.error ?? new Error('IndexedDB reported no reason.'));
    };
  });
}

async function inDatabase<T>(
  use: (manifests: IDBObjectStore, shards: IDBObjectStore) => Promise<T>,
): Promise<T> {
  const database = await requestResult(indexedDB.open(DATABASE));
  try {
    const transaction = database.transaction(['manifests', 'shards'], 'readwrite');
    return await use(transaction.objectStore('manifests'), transaction.objectStore('shards'));
  } finally {
    database.close();
  }
}

/** All records of a location. */
export function rawRecords(location: string): Promise<RawRecords> {
  return inDatabase(async (manifests, shards) => {
    const entriesOf = async (store: IDBObjectStore): Promise<[string, unknown][]> => {
      const keys = (await requestResult(store.getAllKeys())) as [string, string][];
      const values: unknown[] = await requestResult(store.getAll());
      return keys.flatMap(([at, name], i) =>
        at === location ? [[name, values[i]] as [string, unknown]] : [],
      );
    };
    const sizes = (await entriesOf(shards)).map(([name, value]) => [name, (value as ArrayBuffer).byteLength]);
    return {
      manifests: Object.fromEntries(await entriesOf(manifests)),
      shards: Object.fromEntries(sizes) as Record<string, number>,
    };
  });
}

/** Writes a record. @param value undefined deletes it. */
export async function putRaw(
  store: 'manifests' | 'shards',
  location: string,
  name: string,
  value: unknown,
): Promise<void> {
  await inDatabase(async (manifests, shards) => {
    const target = store === 'manifests' ? manifests : shards;
    const key = [location, name];
    if (value === undefined) await requestResult(target.delete(key));
    else await requestResult(target.put(value, key));
  });
}

/** Deletes the database. Resolves once all connections are closed and it is deleted. */
export async function deleteDatabase(): Promise<void> {
  await requestResult(indexedDB.deleteDatabase(DATABASE));
}

/** Runs `action`. @returns how many connections it has left open. */
export async function connectionsLeftBy(action: () => Promise<void>): Promise<number> {
  /* eslint-disable @typescript-eslint/unbound-method -- each is applied to its object below */
  const { open } = IDBFactory.prototype;
  const { close } = IDBDatabase.prototype;
  /* eslint-enable @typescript-eslint/unbound-method */
  const connections = new Set<unknown>();
  IDBFactory.prototype.open = function (...names) {
    const request = open.apply(this, names);
    request.addEventListener('success', () => connections.add(request.result));
    return request;
  };
  IDBDatabase.prototype.close = function () {
    connections.delete(this);
    close.call(this);
  };
  try {
    await action();
    return connections.size;
  } finally {
    IDBFactory.prototype.open = open;
    IDBDatabase.prototype.close = close;
  }
}
