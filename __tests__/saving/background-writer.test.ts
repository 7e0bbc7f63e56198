import { describe, expect, it } from '@jest/globals';
import { BackgroundWriter } from '../../src/saving/background-writer.js';
import { hasSettled, turns } from '../support/until.js';

/** Writes that a test ends one by one. */
class Writes {
  /** Every item whose write has begun, in order. */
  readonly begun: string[] = [];
  readonly #ends: ((isStored: boolean) => void)[] = [];

  readonly write = (item: string): Promise<boolean> => {
    this.begun.push(item);
    return new Promise((resolve) => {
      this.#ends.push(resolve);
    });
  };

  /** Ends the write that began first, and lets the writer react. */
  async end(isStored = true): Promise<void> {
    this.#ends.shift()!(isStored);
    await turns(5);
  }
}

/** A writer of whatever is in `wanted`; a stored item is removed from it. */
function makeWriter(...items: string[]) {
  const wanted = new Set(items);
  const writes = new Writes();
  const writer = new BackgroundWriter<string>(
    (attempted) => [...wanted].find((item) => !attempted.has(item)) ?? null,
    async (item) => {
      const isStored = await writes.write(item);
      if (isStored) wanted.delete(item);
      return isStored;
    },
  );
  return { wanted, writes, writer };
}

describe('start', () => {
  it('writes one item after the other', async () => {
    const { writes, writer } = makeWriter('a', 'b');
    writer.start();
    await turns(5);
    expect(writes.begun).toEqual(['a']);
    await writes.end();
    expect(writes.begun).toEqual(['a', 'b']);
    await writes.end();
    await writer.settled();
    expect(writes.begun).toEqual(['a', 'b']);
  });

  it('writes what is wanted when the write before it ends, not when it was started', async () => {
    const { wanted, writes, writer } = makeWriter('a', 'b');
    writer.start();
    wanted.delete('b');
    wanted.add('c');
    await writes.end();
    expect(writes.begun).toEqual(['a', 'c']);
    await writes.end();
    await writer.settled();
  });

  it('does nothing while it is writing', async () => {
    const { writes, writer } = makeWriter('a');
    writer.start();
    writer.start();
    await writes.end();
    await writer.settled();
    expect(writes.begun).toEqual(['a']);
  });

  it('stops at the first failure, so that a store that fails is not asked again and again', async () => {
    const { writes, writer } = makeWriter('a', 'b');
    writer.start();
    await writes.end(false);
    await writer.settled();
    expect(writes.begun).toEqual(['a']);
  });

  it('begins anew after a failure', async () => {
    const { writes, writer } = makeWriter('a', 'b');
    writer.start();
    await writes.end(false);
    await writer.settled();
    writer.start();
    await writes.end();
    await writes.end();
    await writer.settled();
    expect(writes.begun).toEqual(['a', 'a', 'b']);
  });
});

describe('writeAll', () => {
  it('attempts every item once, also after failures', async () => {
    const { wanted, writes, writer } = makeWriter('a', 'b', 'c');
    const all = writer.writeAll();
    await turns(5);
    await writes.end(false);
    await writes.end(true);
    await writes.end(false);
    await all;
    expect(writes.begun).toEqual(['a', 'b', 'c']);
    expect([...wanted]).toEqual(['a', 'c']);
  });

  it('waits for the round that is running, and attempts what failed in it', async () => {
    const { writes, writer } = makeWriter('a');
    writer.start();
    await turns(5);
    const all = writer.writeAll();
    expect(await hasSettled(all)).toBe(false);
    expect(writes.begun).toEqual(['a']);
    await writes.end(false);
    expect(writes.begun).toEqual(['a', 'a']);
    await writes.end(true);
    await all;
  });

  it('never writes two items at a time, whoever else starts the writer', async () => {
    const { writes, writer } = makeWriter('a', 'b');
    writer.start();
    const all = writer.writeAll();
    await writes.end(false);
    writer.start();
    await turns(5);
    expect(writes.begun).toEqual(['a', 'a']);
    await writes.end();
    await writes.end();
    await all;
    expect(writes.begun).toEqual(['a', 'a', 'b']);
  });

  it('resolves at once if nothing is wanted', async () => {
    const { writes, writer } = makeWriter();
    await writer.writeAll();
    expect(writes.begun).toEqual([]);
  });
});

describe('written and settled', () => {
  it('written resolves with the current write, settled with the last', async () => {
    const { writes, writer } = makeWriter('a', 'b');
    writer.start();
    await turns(5);
    const written = writer.written();
    const settled = writer.settled();
    expect(await hasSettled(written)).toBe(false);
    await writes.end();
    expect(await hasSettled(written)).toBe(true);
    expect(await hasSettled(settled)).toBe(false);
    await writes.end();
    await settled;
  });

  it('both resolve at once before anything was written', async () => {
    const { writer } = makeWriter('a');
    expect(await hasSettled(writer.written())).toBe(true);
    expect(await hasSettled(writer.settled())).toBe(true);
  });
});
