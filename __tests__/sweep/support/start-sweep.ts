import type { Redis } from 'ioredis';
import { connectRedis } from '../../../examples/sweep/queue/redis.js';
import { RedisServer } from './redis-server.js';
import { S3Server } from './s3-server.js';
import { WorkerProgram } from './worker-program.js';

/** What a suite needs that starts worker processes. */
export interface SweepServers {
  readonly redisServer: RedisServer;
  readonly s3: S3Server;
  readonly program: WorkerProgram;
  readonly redis: Redis;
  stop(): Promise<void>;
}

export async function startSweep(): Promise<SweepServers> {
  const [redisServer, s3] = await Promise.all([RedisServer.start(), S3Server.start()]);
  const program = await WorkerProgram.compile(s3.env);
  const redis = await connectRedis(redisServer.url);
  return {
    redisServer,
    s3,
    program,
    redis,
    async stop() {
      await program.dispose();
      redis.disconnect();
      await Promise.all([redisServer.kill(), s3.stop()]);
    },
  };
}
