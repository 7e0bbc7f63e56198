import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ServiceException,
} from '@aws-sdk/client-s3';
import { S3Store } from '../../src/stores/s3/index.js';
import { RESULT_NAME, type SweepStore } from './sweep-store.js';

const CONNECT_TIMEOUT_MS = 5000;
/** How often a result is put while other conditional writes of it are under way. */
const MAX_TRIES = 5;

/**
 * An object store, for workers on any machine. Credentials, region and address come from where the AWS SDK looks for them:
 * `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`, or a profile.
 */
export class S3SweepStore implements SweepStore {
  readonly name: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #leaseSeconds: number;

  constructor({ bucket, prefix }: { bucket: string; prefix: string }, leaseSeconds: number) {
    this.name = `s3://${bucket}/${prefix}`;
    this.#bucket = bucket;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
    this.#leaseSeconds = leaseSeconds;
    const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = process.env;
    this.#client = new S3Client({
      requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS },
      // MinIO and others have no host name for each bucket.
      forcePathStyle: (AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL) !== undefined,
    });
  }

  async check(): Promise<void> {
    const list = new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: this.#prefix, MaxKeys: 1 });
    await this.#client.send(list).catch((cause: unknown) => {
      const { name, message } = cause as Error;
      throw new Error(
        `Expected to list ${this.name}, got ${name}: ${message}. Create the bucket first, and set AWS_REGION, the credentials, ` +
          'and AWS_ENDPOINT_URL for another store than S3.',
        { cause },
      );
    });
  }

  checkpointsOf(id: string): S3Store {
    const { client, bucket, leaseSeconds } = {
      client: this.#client,
      bucket: this.#bucket,
      leaseSeconds: this.#leaseSeconds,
    };
    return new S3Store({ client, bucket, prefix: this.#prefix + id, leaseSeconds });
  }

  async readResult(id: string): Promise<string | null> {
    const get = new GetObjectCommand({ Bucket: this.#bucket, Key: this.#resultKey(id) });
    const found = await this.#client.send(get).catch((error: unknown) => {
      if ((error as S3ServiceException).name === 'NoSuchKey') return null;
      throw error;
    });
    return (await found?.Body?.transformToString()) ?? null;
  }

  async addResult(id: string, text: string): Promise<boolean> {
    const put = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: this.#resultKey(id),
      Body: text,
      ContentType: 'application/json',
      IfNoneMatch: '*',
    });
    for (let tries = 1; ; tries++) {
      try {
        await this.#client.send(put);
        return true;
      } catch (error) {
        // Other errors, of the network, have no metadata.
        const { name, $metadata } = error as Partial<S3ServiceException>;
        if ($metadata?.httpStatusCode === 412) return false;
        // Another write of it is under way.
        if (name !== 'ConditionalRequestConflict' || tries === MAX_TRIES) throw error;
      }
    }
  }

  #resultKey(id: string): string {
    return `${this.#prefix}${id}/${RESULT_NAME}`;
  }
}
