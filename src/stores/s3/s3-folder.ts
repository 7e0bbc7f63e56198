import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { mapConcurrent } from '../map-concurrent.js';
import { storeFailure } from '../store-failure.js';
import { withTimeLimit } from '../time-limit.js';
import { adviceFor, isConditionNotMet, isMissing } from './s3-errors.js';

/** A client of `@aws-sdk/client-s3`, with the user's own credentials, region, endpoint and retries. */
export type S3ClientLike = Pick<S3Client, 'send'>;

/** The condition of a write: that there is no such object, or that it has this entity tag; or none. */
export type WriteCondition = 'absent' | 'any' | { readonly etag: string };

/** An object that was read. */
export interface S3Object {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Changes with the content. */
  readonly etag: string;
  /** By the clock of the store, in milliseconds; whole seconds in most stores. */
  readonly lastModifiedMs: number;
}

/** How many requests are under way at once, where there are many. */
export const MAX_REQUESTS = 8;

/** The objects of a bucket whose keys begin with a prefix, without those of a longer one. Names exclude the prefix. */
export class S3Folder {
  /** For messages: `s3://bucket/prefix`. */
  readonly name: string;
  readonly #client: S3ClientLike;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #timeoutMs: number;

  /**
   * @param prefix '', or ends with a slash.
   * @param timeoutMs how long a request may take, with its retries.
   */
  constructor(client: S3ClientLike, bucket: string, prefix: string, timeoutMs: number) {
    this.name = `s3://${bucket}/${prefix}`.replace(/\/$/, '');
    this.#client = client;
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#timeoutMs = timeoutMs;
  }

  /** For messages. */
  urlOf(name: string): string {
    return `s3://${this.#bucket}/${this.#prefix}${name}`;
  }

  /**
   * Reads an object.
   *
   * @param maxBytes a larger one isn't read.
   * @returns null where there is none.
   * @throws EntropyCheckpointError `ENTROPY_STORE_FAILED`, as every method does.
   */
  get(name: string, maxBytes: number): Promise<S3Object | null> {
    return this.#request(`read ${this.urlOf(name)}`, async (abortSignal) => {
      const input = { Bucket: this.#bucket, Key: this.#prefix + name };
      const found = await this.#client.send(new GetObjectCommand(input), { abortSignal }).catch(orNull);
      if (found === null) return null;
      const { Body: body, ContentLength: size, ETag: etag, LastModified: lastModified } = found;
      if (body === undefined || etag === undefined || lastModified === undefined) {
        throw new Error('expected an answer with a body, an entity tag and a time');
      }
      if (size !== undefined && size > maxBytes)
        throw new Error(`it has ${size} bytes, more than ${maxBytes}`);
      const bytes = Uint8Array.from(await body.transformToByteArray());
      return { bytes, etag, lastModifiedMs: lastModified.getTime() };
    });
  }

  /**
   * Writes an object.
   *
   * @returns its entity tag; null if the condition isn't met, or another conditional write was under way.
   */
  put(name: string, bytes: Uint8Array, condition: WriteCondition): Promise<string | null> {
    const isJson = name.endsWith('.json');
    return this.#request(`write ${this.urlOf(name)}`, async (abortSignal) => {
      const command = new PutObjectCommand({
        Bucket: this.#bucket,
        Key: this.#prefix + name,
        Body: bytes,
        ContentType: isJson ? 'application/json' : 'application/octet-stream',
        // A cache in front of the bucket must not serve an old model.json with the names of shards that are gone.
        ...(isJson && { CacheControl: 'no-cache' }),
        ...(condition === 'absent' && { IfNoneMatch: '*' }),
        ...(typeof condition === 'object' && { IfMatch: condition.etag }),
      });
      const written = await this.#client.send(command, { abortSignal }).catch((error: unknown) => {
        if (isConditionNotMet(error) || (typeof condition === 'object' && isMissing(error))) return null;
        throw error;
      });
      if (written !== null && written.ETag === undefined)
        throw new Error('expected an answer with an entity tag');
      return written?.ETag ?? null;
    });
  }

  /** The sizes of all objects, in bytes, by name. */
  list(): Promise<Map<string, number>> {
    return this.#request(`list ${this.name}`, async (abortSignal) => {
      const sizes = new Map<string, number>();
      let token: string | undefined;
      do {
        const command = new ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: this.#prefix,
          Delimiter: '/',
          ...(token !== undefined && { ContinuationToken: token }),
        });
        const page = await this.#client.send(command, { abortSignal });
        for (const { Key: key, Size: size = 0 } of page.Contents ?? []) {
          if (key?.startsWith(this.#prefix) === true) sizes.set(key.slice(this.#prefix.length), size);
        }
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (token !== undefined);
      return sizes;
    });
  }

  /** Removes objects. Those that aren't there are none. */
  remove(names: readonly string[]): Promise<void> {
    // One by one: some stores have no request that removes many.
    return mapConcurrent(names, MAX_REQUESTS, async (name) => {
      await this.#request(`remove ${this.urlOf(name)}`, async (abortSignal) => {
        const input = { Bucket: this.#bucket, Key: this.#prefix + name };
        await this.#client.send(new DeleteObjectCommand(input), { abortSignal }).catch(orNull);
      });
    });
  }

  async #request<T>(what: string, send: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    const request = new AbortController();
    try {
      return await withTimeLimit(send(request.signal), this.#timeoutMs, what);
    } catch (cause) {
      request.abort();
      throw storeFailure(what, adviceFor(cause, this.#bucket), cause);
    }
  }
}

/** For `catch`: null for a missing object. */
function orNull(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}
