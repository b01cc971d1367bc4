/** Uploads beside a load: so many a second, each a picture that nobody has sent before. */

import { makeRandom } from "../demo/random.ts";
import { BENCH_LIMITS } from "./bounds.ts";
import { LATENCY_SLOTS, slotOf } from "./latencies.ts";
import { authorityOf, type Target } from "./plan.ts";
import { makeSchedule } from "./schedule.ts";

export interface UploadOptions {
  readonly targets: readonly [Target, ...Target[]];
  readonly key: string;
  readonly perSecond: number;
  /** First word of the content ids: they are `{name}-0`, `{name}-1` … */
  readonly name: string;
  readonly answerMs: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

export interface UploadResult {
  readonly perSecond: number;
  /** Acknowledged with 201 or 200. */
  readonly done: number;
  /** By status, or `failed` where there was none. */
  readonly failed: Readonly<Record<string, number>>;
  readonly bytes: number;
  /** From when they were due. */
  readonly latencies: Uint32Array;
  readonly maxMs: number;
}

/** Resolves once the signal has fired and what was on its way has ended. */
export async function runUploads(options: UploadOptions): Promise<UploadResult> {
  const { perSecond, signal, seed } = options;
  const picture = await drawPicture();
  const startMs = performance.now();
  const schedule = makeSchedule({ perSecond, rampMs: 0, random: makeRandom(seed) });
  const counts = { done: 0, bytes: 0, maxMs: 0 };
  const failed: Record<string, number> = {};
  const latencies = new Uint32Array(LATENCY_SLOTS);
  const inFlight = new Set<Promise<void>>();
  const one = async (n: number, dueMs: number): Promise<void> => {
    const bytes = withComment(picture, `${options.name} ${n}`);
    const status = await send(options, bytes, n);
    const ms = performance.now() - startMs - dueMs;
    if (status === 200 || status === 201) {
      counts.done++;
      counts.bytes += bytes.length;
      counts.maxMs = Math.max(counts.maxMs, ms);
      latencies[slotOf(ms)] = (latencies[slotOf(ms)] ?? 0) + 1;
    } else {
      const kind = status === undefined ? "failed" : String(status);
      failed[kind] = (failed[kind] ?? 0) + 1;
    }
  };
  for (let n = 0; ; n++, schedule.advance()) {
    const dueMs = schedule.dueMs();
    await sleepUntil(startMs + dueMs, signal);
    while (inFlight.size >= BENCH_LIMITS.uploadsAtOnceMax) await Promise.race(inFlight);
    if (signal.aborted) break;
    const going = one(n, dueMs).finally(() => inFlight.delete(going));
    inFlight.add(going);
  }
  await Promise.all(inFlight);
  return { perSecond, failed, latencies, ...counts };
}

/** The status; undefined when there was no answer. */
async function send(
  options: UploadOptions,
  bytes: Uint8Array<ArrayBuffer>,
  n: number,
): Promise<number | undefined> {
  const { targets, key, name, answerMs } = options;
  const target = targets[n % targets.length] ?? targets[0];
  const form = new FormData();
  form.append("meta", JSON.stringify({ key, contentId: `${name}-${n}` }));
  form.append("afile", new Blob([bytes]), "picture.jpg");
  try {
    const answer = await fetch(`http://${authorityOf(target)}/upload-propagate`, {
      method: "POST",
      body: form,
      signal: AbortSignal.timeout(answerMs),
      ...(target.kind === "unix" ? { unix: target.path } : {}),
    });
    await answer.bytes();
    return answer.status;
  } catch {
    // cut or too late: counted, as what it was to the one who sent it
    return undefined;
  }
}

const WIDTH = 1600;
const HEIGHT = 1200;

/** As a phone's picture sent by an app: some 300 KB. Loaded only here, as it needs libvips. */
async function drawPicture(): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  const random = makeRandom(1);
  const pixels = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let i = 0; i < pixels.length; i++) {
    const row = Math.floor(i / 3 / WIDTH);
    pixels[i] = ((i / 3) % WIDTH) / 8 + row / 10 + random() * 24;
  }
  const raw = { width: WIDTH, height: HEIGHT, channels: 3 } as const;
  return new Uint8Array(await sharp(pixels, { raw }).jpeg({ quality: 80 }).toBuffer());
}

/** The same picture with a comment, which makes its bytes new (ITU T.81 B.2.4.5). */
export function withComment(jpeg: Uint8Array, comment: string): Uint8Array<ArrayBuffer> {
  const text = Buffer.from(comment);
  const length = text.length + 2;
  const out = new Uint8Array(jpeg.length + length + 2);
  out.set(jpeg.subarray(0, 2));
  out.set([0xff, 0xfe, length >> 8, length & 0xff], 2);
  out.set(text, 6);
  out.set(jpeg.subarray(2), 6 + text.length);
  return out;
}

function sleepUntil(atMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, Math.max(0, atMs - performance.now()));
  const stop = (): void => resolve();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) resolve();
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  });
}
