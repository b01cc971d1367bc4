/** The connections to one peer: bounded, opened on demand, and shared out to requests. */

import { asFault, Fault } from "../base/fault.ts";
import type { BackOff } from "./back-off.ts";
import { LargePlace, LargeShare, NotItsTurn } from "./large-share.ts";
import type { LinkConnection } from "./link-connection.ts";

export interface PeerPoolOptions {
  readonly peer: string;
  readonly connectionsMax: number;
  readonly waitingMax: number;
  /** Of the connections, those that large bodies may hold. */
  readonly largeMax: number;
  /** The pool is told of the connection's life by `freed` and `closed`. */
  readonly dial: () => Promise<LinkConnection>;
  readonly backOff: BackOff;
}

/** What is begun on a connection; the place is its own until it has ended. */
type Run<T> = (connection: LinkConnection, place: LargePlace) => Promise<T>;

interface Waiter {
  readonly connection: PromiseWithResolvers<LinkConnection>;
  gaveUp: boolean;
}

export class PeerPool implements Disposable {
  readonly #options: PeerPoolOptions;
  /** Most recently used last, so that the others can grow old and close. */
  #idle: LinkConnection[] = [];
  readonly #all = new Set<LinkConnection>();
  #dialling = 0;
  #waiting: Waiter[] = [];
  readonly #large: LargeShare;
  #shut = false;
  #retired = false;

  constructor(options: PeerPoolOptions) {
    this.#options = options;
    const { peer, largeMax: bodiesMax, waitingMax } = options;
    this.#large = new LargeShare({ peer, bodiesMax, waitingMax });
  }

  /** Connections, those being opened included. */
  get connections(): number {
    return this.#all.size + this.#dialling;
  }

  get waiting(): number {
    return this.#waiting.length + this.#large.waiting;
  }

  /**
   * Runs one exchange on a connection of its own. One that had become stale while idle shows only when it is
   * used: then, and only while no byte of an answer has come, the request is made once more on a new one. A
   * large answer that does not find a place is asked for again when there is one.
   */
  run<T>(leftMs: () => number, run: Run<T>): Promise<T> {
    const idle = this.#takeIdle();
    const once =
      idle === undefined
        ? this.#acquire(leftMs(), false).then((found) => this.#runOn(found, leftMs, run))
        : this.#runOn(idle, leftMs, run);
    return once.catch((error: unknown) => {
      if (error instanceof NotItsTurn) return this.#runInTurn(leftMs, run);
      throw error;
    });
  }

  #runOn<T>(connection: LinkConnection, leftMs: () => number, run: Run<T>): Promise<T> {
    const place = new LargePlace(this.#large, false);
    const reused = connection.requests > 0;
    const running = run(connection, place);
    if (!reused) return running;
    return running.catch(async (error: unknown) => {
      if (!connection.lost) throw error;
      return run(await this.#acquire(leftMs(), true), place);
    });
  }

  async #runInTurn<T>(leftMs: () => number, run: Run<T>): Promise<T> {
    await this.#large.turn(leftMs());
    const place = new LargePlace(this.#large, true);
    try {
      return await run(await this.#acquire(leftMs(), true), place);
    } catch (error) {
      place.leave();
      throw error;
    }
  }

  freed(connection: LinkConnection): void {
    const waiter = this.#waiting.shift();
    if (waiter !== undefined) {
      waiter.connection.resolve(connection);
      return;
    }
    if (this.#retired) {
      connection[Symbol.dispose]();
      return;
    }
    this.#idle.push(connection);
    connection.rest();
  }

  /** Another pool takes its place: what is under way ends as it would have, then its connections close. */
  retire(): void {
    this.#retired = true;
    for (const connection of [...this.#idle]) connection[Symbol.dispose]();
  }

  closed(connection: LinkConnection): void {
    this.#all.delete(connection);
    this.#idle = this.#idle.filter((c) => c !== connection);
    this.#dialForWaiting();
  }

  [Symbol.dispose](): void {
    this.#shut = true;
    for (const connection of [...this.#all]) connection[Symbol.dispose]();
    for (const waiter of this.#waiting.splice(0)) waiter.connection.reject(shutFault());
    this.#large.shut(shutFault());
  }

  #takeIdle(): LinkConnection | undefined {
    return this.#shut ? undefined : this.#idle.pop();
  }

  /** Rejects with `overloaded` when too many wait, `too_slow` after `leftMs`, or the Fault of the dial. */
  async #acquire(leftMs: number, fresh: boolean): Promise<LinkConnection> {
    if (this.#shut) throw shutFault();
    const gone = this.#gone();
    if (gone !== undefined) throw gone;
    if (fresh) this.#makeRoom();
    const { peer, connectionsMax, waitingMax } = this.#options;
    const mayDial = this.connections < connectionsMax;
    if (!mayDial && this.#waiting.length >= waitingMax) {
      throw new Fault("overloaded", `too many requests wait for the node ${peer}`);
    }
    const waiter: Waiter = { connection: Promise.withResolvers(), gaveUp: false };
    if (mayDial) void this.#dialFor(waiter);
    else this.#waiting.push(waiter);
    const timer = setTimeout(() => this.#giveUp(waiter), Math.max(1, leftMs));
    try {
      return await waiter.connection.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #giveUp(waiter: Waiter): void {
    waiter.gaveUp = true;
    this.#waiting = this.#waiting.filter((w) => w !== waiter);
    const told = `no connection to the node ${this.#options.peer} in time`;
    waiter.connection.reject(new Fault("too_slow", told));
  }

  /** The waiter may have given up meanwhile: then the connection serves somebody else. */
  async #dialFor(waiter: Waiter): Promise<void> {
    this.#dialling++;
    let connection: LinkConnection;
    try {
      connection = await this.#options.dial();
    } catch (error) {
      this.#dialling--;
      this.#options.backOff.failed();
      waiter.connection.reject(asFault(error));
      this.#dialForWaiting();
      return;
    }
    this.#dialling--;
    this.#options.backOff.succeeded();
    if (this.#shut) connection[Symbol.dispose]();
    if (!connection.open) {
      waiter.connection.reject(new Fault("peer_failed", "the connection broke off"));
      this.#dialForWaiting();
      return;
    }
    this.#all.add(connection);
    if (waiter.gaveUp) this.freed(connection);
    else waiter.connection.resolve(connection);
  }

  /** What the next dial would say later, while the peer is left alone. */
  #gone(): Fault | undefined {
    const { peer, backOff } = this.#options;
    const retryAfterMs = backOff.waitMs;
    if (retryAfterMs === 0) return undefined;
    return new Fault("peer_failed", `the node ${peer} could not be reached`, { retryAfterMs });
  }

  /** Whoever has waited longest goes first when there is room for another connection. */
  #dialForWaiting(): void {
    if (this.#shut || this.connections >= this.#options.connectionsMax) return;
    const gone = this.#gone();
    if (gone === undefined) {
      const waiter = this.#waiting.shift();
      if (waiter !== undefined) void this.#dialFor(waiter);
    } else if (this.connections === 0) {
      // there is no connection left that could become free
      for (const waiter of this.#waiting.splice(0)) waiter.connection.reject(gone);
    }
  }

  /** For a new connection an idle one has to go when there are as many as there may be. */
  #makeRoom(): void {
    if (this.connections < this.#options.connectionsMax) return;
    this.#idle[0]?.[Symbol.dispose]();
  }
}

function shutFault(): Fault {
  return new Fault("draining", "the node closes its connections");
}
