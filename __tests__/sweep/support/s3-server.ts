import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { startObjectStoreServer } from '../../support/object-store.js';
import type { ServerProcess } from '../../support/server-process.js';

export const BUCKET = 'sweeps';

/** An object store of a suite's own, in memory. */
export class S3Server {
  readonly client: S3Client;
  /** What the AWS SDK of a child process reads. */
  readonly env: NodeJS.ProcessEnv;
  readonly #process: ServerProcess;

  private constructor(env: NodeJS.ProcessEnv, client: S3Client, process: ServerProcess) {
    this.env = env;
    this.client = client;
    this.#process = process;
  }

  /** Starts it, with an empty bucket. The process of the suite uses it as well. */
  static async start(): Promise<S3Server> {
    const { endpoint, process: server } = await startObjectStoreServer();
    const env = {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    };
    Object.assign(process.env, env);
    const client = new S3Client({ forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    return new S3Server({ ...process.env, ...env }, client, server);
  }

  /** The entity tag of each object whose key begins with `prefix`, by the rest of its key. */
  async list(prefix: string): Promise<Map<string, string>> {
    const tags = new Map<string, string>();
    let token: string | undefined;
    do {
      const page = await this.client.send(
        new ListObjectsV2Command({
          Bucket: BUCKET,
          Prefix: prefix,
          ...(token !== undefined && { ContinuationToken: token }),
        }),
      );
      for (const { Key: key = '', ETag: tag = '' } of page.Contents ?? [])
        tags.set(key.slice(prefix.length), tag);
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return tags;
  }

  async stop(): Promise<void> {
    this.client.destroy();
    await this.#process.kill();
  }
}
