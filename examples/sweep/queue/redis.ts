import { Redis } from 'ioredis';

/** How long a server may take to answer at the start. */
const CONNECT_TIMEOUT_MS = 5000;
/** The longest time between two attempts to reach a server that is gone. */
const MAX_RETRY_DELAY_MS = 1000;

/**
 * Connects to Redis. If it's gone later, commands wait until it's back; both are printed.
 *
 * @param url such as `redis://:password@host:6379/0`; `rediss://` for TLS.
 * @returns the caller ends it by `disconnect()`.
 * @throws Error if it can't be reached within seconds.
 */
export async function connectRedis(url: string): Promise<Redis> {
  await requireReachable(url);
  const redis = new Redis(url, {
    // BullMQ asks for it: a command waits however long the server is gone.
    maxRetriesPerRequest: null,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: (tries) => Math.min(100 * tries, MAX_RETRY_DELAY_MS),
  });
  // 'close' says the same, once for each attempt.
  redis.on('error', () => undefined);
  announceOutages(redis, url);
  return redis;
}

function announceOutages(redis: Redis, url: string): void {
  let isGone = false;
  redis.on('close', () => {
    if (isGone || isClosing(redis)) return;
    isGone = true;
    console.error(
      `Redis at ${withoutSecrets(url)} is gone. Trainings continue, and wait for it at their end.`,
    );
  });
  redis.on('ready', () => {
    if (isGone) console.error('Redis is back.');
    isGone = false;
  });
}

/** Whether this process has closed the connection. */
function isClosing({ status }: { readonly status: string }): boolean {
  return status === 'end' || status === 'disconnecting';
}

async function requireReachable(url: string): Promise<void> {
  const probe = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: () => null,
  });
  // `connect` only says that the connection is closed.
  let reason: Error | undefined;
  probe.on('error', (error: Error) => (reason ??= error));
  let timer: ReturnType<typeof setTimeout> | undefined;
  // For a server that accepts connections and says nothing.
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${CONNECT_TIMEOUT_MS / 1000} seconds`));
    }, CONNECT_TIMEOUT_MS);
  });
  try {
    await Promise.race([probe.connect().then(() => probe.ping()), silence]);
  } catch (error) {
    const { message } = reason ?? (error as Error);
    throw new Error(
      `Expected Redis at ${withoutSecrets(url)}, got: ${message || 'a refused connection'}. Start it, or correct \`--redis\`.`,
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
    probe.disconnect();
  }
}

/** The address without user and password, for messages. */
export function withoutSecrets(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}
