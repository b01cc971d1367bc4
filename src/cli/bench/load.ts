/** The load of one thread: sends what is due on connections that are free, counts what comes back. */

import { makeRandom, type Random } from "../demo/random.ts";
import { BENCH_WAITS } from "./bounds.ts";
import { makeSourceOf } from "./cache-source.ts";
import { Connection, type Sender } from "./connection.ts";
import { type Lots, makeLots, zipfWeights } from "./draw-lots.ts";
import { authorityOf, type Group, type ThreadPlan } from "./plan.ts";
import { recordAnswer, recordFailure, recordSent } from "./record.ts";
import { makeRequestBuffer, makeRequests, type Requests } from "./requests.ts";
import { makeSchedule, type Schedule } from "./schedule.ts";
import { AT, addTo, type ErrorKind, type Tally } from "./tally.ts";

/** What connections of a group ask for. */
interface Asked {
  readonly lots: Lots;
  readonly requests: Requests;
}

/** Times are milliseconds from `go`. */
export class Load implements Sender {
  readonly #plan: ThreadPlan;
  readonly #tally: Tally;
  readonly #random: Random;
  /** undefined: a closed loop. */
  readonly #schedule: Schedule | undefined;
  readonly #variants: Lots;
  readonly #buffer = makeRequestBuffer();
  readonly #asked: readonly Asked[];
  readonly #connections: readonly Connection[];
  /** First in, first out: every connection has its turn, so that every worker of the server has work. */
  readonly #free: Queue<Connection>;
  readonly #finished = Promise.withResolvers<void>();
  readonly #word = new Int32Array(new SharedArrayBuffer(4));
  #startMs = 0;
  /** What is due later is not sent. */
  #untilMs = Number.POSITIVE_INFINITY;
  /** Requests that are still to be sent after the ramp. */
  #left: number;
  #inFlight = 0;
  #state: "waiting" | "running" | "over" = "waiting";
  #armed = false;
  #ticks: ReturnType<typeof setInterval> | undefined;

  constructor(plan: ThreadPlan, tally: Tally) {
    this.#plan = plan;
    this.#tally = tally;
    this.#random = makeRandom(plan.seed);
    this.#left = plan.count ?? Number.POSITIVE_INFINITY;
    this.#schedule = scheduleOf(plan);
    this.#variants = makeLots(Float64Array.from(plan.variants, ({ weight }) => weight));
    this.#asked = plan.groups.map((group) => this.#askedOf(group));
    this.#connections = this.#makeConnections();
    this.#free = new Queue(this.#connections.length);
  }

  /** Resolves when every connection stands or has failed; how many stand. */
  async connect(): Promise<number> {
    await Promise.all(this.#connections.map((connection) => connection.connect()));
    return this.#connections.filter(({ stands }) => stands).length;
  }

  /** Begins; resolves when everything is answered or given up. */
  run(): Promise<void> {
    if (this.#state === "over") return this.#finished.promise;
    const { durationMs, rampMs } = this.#plan;
    this.#startMs = performance.now();
    if (durationMs !== undefined) this.#untilMs = rampMs + durationMs;
    this.#state = "running";
    this.#ticks = setInterval(() => this.#tick(), BENCH_WAITS.tickMs);
    this.#pump();
    this.#arm();
    return this.#finished.promise;
  }

  /** Now, with what is on its way uncounted. */
  stop(): void {
    if (this.#state === "over") return;
    this.#untilMs = this.#state === "running" ? Math.min(this.#untilMs, this.#nowMs()) : 0;
    this.#finish();
  }

  received(bytes: number): void {
    addTo(this.#tally, AT.endedBytes, bytes);
  }

  answered(connection: Connection): void {
    this.#inFlight--;
    recordAnswer(this.#tally, connection, {
      nowMs: this.#nowMs(),
      measured: this.#isMeasured(connection.dueMs),
      rampMs: this.#plan.rampMs,
    });
  }

  failed(connection: Connection, kind: ErrorKind): void {
    if (kind !== "connect") this.#inFlight--;
    const at = kind === "connect" ? this.#nowMs() : connection.dueMs;
    if (this.#state === "waiting" || !this.#isMeasured(at)) return;
    recordFailure(this.#tally, connection, { kind, nowMs: this.#nowMs() });
  }

  free(connection: Connection): void {
    if (!connection.queued) this.#free.put(connection);
    connection.queued = true;
    if (this.#state === "running") this.#pump();
  }

  #nowMs(): number {
    return performance.now() - this.#startMs;
  }

  #isMeasured(dueMs: number): boolean {
    return dueMs >= this.#plan.rampMs;
  }

  /** Sends all that is due and finds a free connection. */
  #pump(): void {
    while (this.#free.size > 0) {
      const nowMs = this.#nowMs();
      const dueMs = this.#schedule?.dueMs() ?? nowMs;
      if (dueMs > nowMs) return;
      if (this.#isOver(dueMs)) {
        this.#finishIfIdle();
        return;
      }
      const connection = this.#free.take();
      if (connection === undefined) return;
      connection.queued = false;
      // lost since; it comes back when it stands again
      if (!connection.stands) continue;
      this.#schedule?.advance();
      this.#send(connection, dueMs, nowMs);
    }
  }

  #send(connection: Connection, dueMs: number, nowMs: number): void {
    const asked = this.#asked[connection.group];
    if (asked === undefined) return;
    const { misses } = this.#plan;
    const random = this.#random;
    const variant = this.#variants.draw(random);
    connection.dueMs = dueMs;
    connection.sentMs = nowMs;
    connection.missing = misses > 0 && random() < misses;
    const length = connection.missing
      ? asked.requests.writeMissing(random, variant)
      : asked.requests.write(asked.lots.draw(random), variant);
    this.#inFlight++;
    if (this.#isMeasured(dueMs)) {
      this.#left--;
      recordSent(this.#tally, nowMs - dueMs);
    }
    connection.send(this.#buffer, length);
  }

  #isOver(dueMs: number): boolean {
    return dueMs >= this.#untilMs || this.#left <= 0;
  }

  #tick(): void {
    const nowMs = this.#nowMs();
    for (const connection of this.#connections) {
      if (connection.busy && nowMs - connection.sentMs > this.#plan.answerMs) {
        connection.giveUp("timeout");
      }
    }
    this.#pump();
    this.#finishIfIdle();
  }

  /** Between answers, wakes for what is due next: timers of the runtime know whole milliseconds only. */
  #arm(): void {
    if (this.#schedule === undefined || this.#armed || this.#state !== "running") return;
    const { wakeLeastMs, wakeLongestMs } = BENCH_WAITS;
    const leftMs = this.#free.size === 0 ? wakeLongestMs : this.#schedule.dueMs() - this.#nowMs();
    const waitMs = Math.min(wakeLongestMs, Math.max(wakeLeastMs, leftMs));
    const woken = Atomics.waitAsync(this.#word, 0, 0, waitMs);
    if (!woken.async) return;
    this.#armed = true;
    void woken.value.then(() => {
      this.#armed = false;
      if (this.#state !== "running") return;
      this.#pump();
      this.#arm();
    });
  }

  #finishIfIdle(): void {
    if (this.#state !== "running" || this.#inFlight > 0) return;
    const nowMs = this.#nowMs();
    const nextMs = this.#schedule?.dueMs() ?? nowMs;
    if (this.#isOver(nextMs) || nowMs > this.#untilMs + BENCH_WAITS.drainMs) this.#finish();
  }

  #finish(): void {
    this.#state = "over";
    clearInterval(this.#ticks);
    for (const connection of this.#connections) connection.end();
    const schedule = this.#schedule;
    const lastMs = Math.min(this.#untilMs, this.#nowMs());
    for (; schedule !== undefined && schedule.dueMs() < lastMs; schedule.advance()) {
      if (this.#left-- <= 0) break;
      if (this.#isMeasured(schedule.dueMs())) addTo(this.#tally, AT.unsent, 1);
    }
    this.#finished.resolve();
  }

  #askedOf({ ids, target }: Group): Asked {
    const { prefix, variants, zipf } = this.#plan;
    const authority = authorityOf(target);
    return {
      lots: makeLots(zipfWeights(ids.ends.length, zipf)),
      requests: makeRequests({ buffer: this.#buffer, pack: ids, prefix, variants, authority }),
    };
  }

  #makeConnections(): Connection[] {
    const { groups, connections, connectionsBefore } = this.#plan;
    const sourceOf = makeSourceOf();
    return Array.from({ length: connections }, (_, n) => {
      const number = (connectionsBefore + n) % groups.length;
      const group = groups[number];
      if (group === undefined) throw new Error("a load without a target");
      return new Connection({ group: number, target: group.target, sourceOf, sender: this });
    });
  }
}

function scheduleOf({ perSecond, rampMs, seed }: ThreadPlan): Schedule | undefined {
  if (perSecond === undefined) return undefined;
  // numbers of its own: what is asked for does not change with the rate
  return makeSchedule({ perSecond, rampMs, random: makeRandom(seed ^ 0x5bd1e995) });
}

/** First in, first out, in a ring that never grows. */
class Queue<T> {
  readonly #items: (T | undefined)[];
  #first = 0;
  size = 0;

  constructor(itemsMax: number) {
    this.#items = Array.from({ length: itemsMax }, () => undefined);
  }

  put(item: T): void {
    this.#items[(this.#first + this.size) % this.#items.length] = item;
    this.size++;
  }

  take(): T | undefined {
    const item = this.#items[this.#first];
    this.#items[this.#first] = undefined;
    this.#first = (this.#first + 1) % this.#items.length;
    this.size--;
    return item;
  }
}
