import type { Answer, Request } from './inside/request.js';

/** A process or page that answers. */
export interface Connection {
  /** Rejects, with the reason, when it has ended or ends before it has answered. */
  request(request: Request): Promise<Answer>;
  /** Ends it, whatever it is doing. */
  close(): Promise<void>;
}
