const NAME = 'tfjs-entropy-checkpoint';
const VERSION = 1;

/** The two object stores, within a transaction. */
export interface Records {
  /** Text, by `[place, slot]`. */
  readonly manifests: IDBObjectStore;
  /** ArrayBuffers, by `[place, sha256]`. */
  readonly shards: IDBObjectStore;
}

/**
 * Opens the database for the time of one action. A connection that is kept would stand in the way of a later
 * version of this package in another tab, and would have to be watched: the browser may close it.
 *
 * @param use is rejected with an InvalidStateError when the database is deleted or closed meanwhile.
 */
export async function withDatabase<T>(use: (database: IDBDatabase) => Promise<T>): Promise<T> {
  const database = await openDatabase();
  database.onversionchange = () => {
    // Somebody wants to delete or upgrade it. What is under way ends first; nothing more can begin.
    database.close();
  };
  try {
    return await use(database);
  } finally {
    database.close();
  }
}

function openDatabase(): Promise<IDBDatabase> {
  const { indexedDB } = globalThis as { indexedDB?: IDBFactory };
  return new Promise((resolve, reject) => {
    if (indexedDB === undefined) throw new Error('There is no IndexedDB here.');
    // Never blocked by a tab that has an older version open: there is none.
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('manifests');
      request.result.createObjectStore('shards');
    };
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(errorOf(request));
    };
  });
}

/**
 * Runs `change` in one transaction; resolves once all of it is on the disk. If anything fails, none of it is.
 *
 * @param change may await nothing but requests of this transaction, which else commits itself.
 */
export async function writeRecords(
  database: IDBDatabase,
  change: (records: Records) => void | Promise<void>,
): Promise<void> {
  // Strict: browsers else report success before the bytes, some of which are in files of their own, are
  // flushed, and a power failure could leave a manifest without its shards.
  const transaction = database.transaction(['manifests', 'shards'], 'readwrite', { durability: 'strict' });
  const committed = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => {
      resolve();
    };
    transaction.onabort = () => {
      reject(transaction.error ?? new DOMException('The transaction was aborted.', 'AbortError'));
    };
  });
  // Below, unless `change` fails first.
  committed.catch(() => undefined);
  try {
    await change(recordsOf(transaction));
  } catch (error) {
    const cause = transaction.error ?? error;
    abort(transaction);
    throw cause;
  }
  await committed;
}

/**
 * Runs `read` in one transaction, so that everything it reads is of one moment.
 *
 * @param read as `change` of `writeRecords`.
 */
export function readRecords<T>(database: IDBDatabase, read: (records: Records) => Promise<T>): Promise<T> {
  return read(recordsOf(database.transaction(['manifests', 'shards'], 'readonly')));
}

export function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(errorOf(request));
    };
  });
}

function recordsOf(transaction: IDBTransaction): Records {
  return { manifests: transaction.objectStore('manifests'), shards: transaction.objectStore('shards') };
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It has ended by itself.
  }
}

function errorOf(request: IDBRequest): Error {
  return request.error ?? new Error('IndexedDB gave no reason.');
}
