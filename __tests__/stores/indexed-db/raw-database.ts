/** The database of `IndexedDbStore` as somebody else sees it who does not use the store. For pages. */

export const DATABASE = 'tfjs-entropy-checkpoint';

export interface RawRecords {
  readonly manifests: Readonly<Record<string, unknown>>;
  /** Sizes. */
  readonly shards: Readonly<Record<string, number>>;
}

export function requestResult<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(request.error ?? new Error('No reason.'));
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

export function rawRecords(place: string): Promise<RawRecords> {
  return inDatabase(async (manifests, shards) => {
    const ofPlace = async (store: IDBObjectStore): Promise<[string, unknown][]> => {
      const keys = (await requestResult(store.getAllKeys())) as [string, string][];
      const values: unknown[] = await requestResult(store.getAll());
      return keys.flatMap(([at, name], i) => (at === place ? [[name, values[i]] as [string, unknown]] : []));
    };
    const sizes = (await ofPlace(shards)).map(([name, value]) => [name, (value as ArrayBuffer).byteLength]);
    return {
      manifests: Object.fromEntries(await ofPlace(manifests)),
      shards: Object.fromEntries(sizes) as Record<string, number>,
    };
  });
}

/** @param value undefined deletes the record. */
export async function putRaw(
  store: 'manifests' | 'shards',
  place: string,
  name: string,
  value: unknown,
): Promise<void> {
  await inDatabase(async (manifests, shards) => {
    const target = store === 'manifests' ? manifests : shards;
    const key = [place, name];
    if (value === undefined) await requestResult(target.delete(key));
    else await requestResult(target.put(value, key));
  });
}

/** Resolves when it is gone, for which all connections to it must have been closed. */
export async function deleteDatabase(): Promise<void> {
  await requestResult(indexedDB.deleteDatabase(DATABASE));
}

/** Runs `action`, and gives the number of connections that it has opened and not closed. */
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
