/**
 * The entry `tfjs-entropy-checkpoint/s3`: checkpoints in an object store. It needs `@aws-sdk/client-s3`.
 *
 * @module S3
 * @group API
 */

export { S3Store, type S3StoreOptions } from './s3-store.js';
export type { S3ClientLike } from './s3-folder.js';
