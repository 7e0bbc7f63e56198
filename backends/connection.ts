import type { Answer, Request } from './inside/request.js';

/** A process or page that answers requests. */
export interface Connection {
  /** Rejects with the reason if the process or page has ended, or ends before it answers. */
  request(request: Request): Promise<Answer>;
  /** Ends the process or page, also in the middle of a request. */
  close(): Promise<void>;
}
