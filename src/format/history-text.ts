import type { EpochRecord } from '../epoch-record.js';
import { Pacer } from '../platform/event-loop.js';
import { decodeText } from '../platform/utf8.js';
import { isHarmless } from '../stores/outside-data.js';
import { isEncodedRecord } from './check-metadata.js';
import { decodeRecord, encodeRecord } from './checkpoint-metadata.js';
import { sorted } from './checksum.js';

/** How many bytes are read at a time. */
const CHUNK_BYTES = 2 ** 16;
/**
 * A record of ten thousand logged values is shorter. A bound on the line bounds the memory that parsing takes before
 * the record is checked.
 */
const MAX_LINE_BYTES = 2 ** 20;
/** The shortest record: no checkpoint has more epochs than its bytes allow. */
export const MIN_RECORD_BYTES = 100;
const NEWLINE = 10;

/** A record as a line of JSON. Equal records give equal lines, also after they were stored and read. */
export function recordLine(record: EpochRecord): string {
  return `${JSON.stringify(sorted(encodeRecord(record)))}\n`;
}

/**
 * Reads records, one by one: only what was checked is kept. It yields to the event loop.
 *
 * @param sizeBytes of all lines together.
 * @param numRecords how many there must be.
 * @returns null if the bytes are anything else than that many records.
 * @throws what `read` rejects with.
 */
export async function readRecords(
  read: (position: number, bytes: Uint8Array) => Promise<void>,
  sizeBytes: number,
  numRecords: number,
): Promise<EpochRecord[] | null> {
  const pacer = new Pacer();
  const records: EpochRecord[] = [];
  let rest = new Uint8Array();
  for (let position = 0; position < sizeBytes; position += CHUNK_BYTES) {
    const length = Math.min(CHUNK_BYTES, sizeBytes - position);
    const bytes = new Uint8Array(rest.length + length);
    bytes.set(rest);
    await read(position, bytes.subarray(rest.length));
    let start = 0;
    for (let end; (end = bytes.indexOf(NEWLINE, start)) >= 0; start = end + 1) {
      if (end === start) continue;
      const record = parseRecord(bytes.subarray(start, end));
      if (record === null || records.length === numRecords) return null;
      records.push(record);
      if (pacer.isDue) await pacer.yieldIfDue();
    }
    rest = bytes.slice(start);
    if (rest.length > MAX_LINE_BYTES) return null;
  }
  return rest.length === 0 && records.length === numRecords ? records : null;
}

function parseRecord(line: Uint8Array): EpochRecord | null {
  try {
    const record: unknown = JSON.parse(decodeText(line));
    return isEncodedRecord(record) && isHarmless(record) ? decodeRecord(record) : null;
  } catch {
    return null;
  }
}
