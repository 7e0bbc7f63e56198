import { withTimeLimit } from '../time-limit.js';

const NAME = 'tfjs-entropy-checkpoint';
const VERSION = 1;

/** The two object stores, in one transaction. */
export interface Records {
  /** JSON text, by `[location, slot]`. */
  readonly manifests: IDBObjectStore;
  /** ArrayBuffers, by `[location, sha256]`. */
  readonly shards: IDBObjectStore;
}

/** An open database. */
export interface Connection {
  readonly database: IDBDatabase;
  /** How long each of its transactions may take. Another tab may block it. */
  readonly timeoutMs: number;
}

/**
 * Opens the database for one action. A permanent connection would block a later version of this package in another
 * tab, and would need watching, as the browser may close it.
 *
 * @param timeoutMs how long opening and each transaction may take.
 * @param use rejects with an InvalidStateError if the database is deleted or closed meanwhile.
 */
export async function withDatabase<T>(
  timeoutMs: number,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const opening = openDatabase();
  const database = await withTimeLimit(opening, timeoutMs, 'open IndexedDB').catch((error: unknown) => {
    // It may still open, and would then block other tabs.
    opening.then(
      (late) => {
        late.close();
      },
      () => undefined,
    );
    throw error;
  });
  database.onversionchange = () => {
    // Another tab wants to delete or upgrade the database. Running transactions still end; no new one can begin.
    database.close();
  };
  try {
    return await use({ database, timeoutMs });
  } finally {
    database.close();
  }
}

function openDatabase(): Promise<IDBDatabase> {
  const { indexedDB } = globalThis as { indexedDB?: IDBFactory };
  return new Promise((resolve, reject) => {
    if (indexedDB === undefined) throw new Error('IndexedDB is not available.');
    // No tab can block this with an older version: this is the first. But a tab that doesn't let the database be deleted
    // blocks it.
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
 * Runs `change` in one transaction. Resolves once all changes are on the disk; if anything fails, none are made.
 *
 * @param change may await only requests of this transaction. The transaction commits by itself during any other wait.
 */
export async function writeRecords(
  { database, timeoutMs }: Connection,
  change: (records: Records) => void | Promise<void>,
): Promise<void> {
  // By default, browsers report success before they have flushed the bytes, some of which are in separate files. Then a
  // power failure could leave a manifest without its shards.
  const transaction = database.transaction(['manifests', 'shards'], 'readwrite', { durability: 'strict' });
  const committed = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => {
      resolve();
    };
    transaction.onabort = () => {
      reject(transaction.error ?? new DOMException('The transaction was aborted.', 'AbortError'));
    };
  });
  // Prevents an unhandled rejection where `change` fails first and `committed` is never awaited.
  committed.catch(() => undefined);
  try {
    await withTimeLimit(runIn(transaction, change, committed), timeoutMs, 'write to IndexedDB');
  } catch (error) {
    const cause = transaction.error ?? error;
    // What was too late must not be written later.
    abort(transaction);
    throw cause;
  }
}

async function runIn(
  transaction: IDBTransaction,
  change: (records: Records) => void | Promise<void>,
  committed: Promise<void>,
): Promise<void> {
  await change(recordsOf(transaction));
  await committed;
}

/**
 * Runs `read` in one transaction, so that it sees one consistent state.
 *
 * @param read may await only requests of this transaction. The transaction commits by itself during any other wait.
 */
export function readRecords<T>(
  { database, timeoutMs }: Connection,
  read: (records: Records) => Promise<T>,
): Promise<T> {
  const reading = read(recordsOf(database.transaction(['manifests', 'shards'], 'readonly')));
  return withTimeLimit(reading, timeoutMs, 'read from IndexedDB');
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
    // The transaction has already ended.
  }
}

function errorOf(request: IDBRequest): Error {
  return request.error ?? new Error('IndexedDB reported no reason.');
}
