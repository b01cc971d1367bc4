/** Several directories, one a disk, behind the interface of one cache (spec §9 `cache_dirs`). */

import type { Clock } from "../base/clock.ts";
import type { VariantMeta } from "../base/variant.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import { type Cache, type CacheUsage, type DiskUsage, openCache } from "./cache.ts";
import { diskState, timesBegun } from "./disk-state.ts";
import { SUM } from "./layout.ts";
import type { Listed } from "./list.ts";
import type { CacheMemory } from "./memory.ts";
import { makePlaces } from "./places.ts";
import { HeldRoom, type Reservation } from "./reservation.ts";
import { openView, sum, type View } from "./view.ts";

/** One directory of a cache and its index. */
export interface Disk {
  readonly dir: string;
  readonly memory: CacheMemory;
}

interface Member {
  readonly dir: string;
  readonly view: View;
  /** undefined until the directory was put to use. */
  readonly cache: Cache | undefined;
}

interface Options {
  readonly disks: readonly Disk[];
  readonly home: string;
  readonly worker: number;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
}

/**
 * After `openDiskSet`. A variant is looked for on all disks, first on the one that its id belongs to: it lies where it
 * was written, which is another one while that disk is out of order or an upload had no id yet. So a disk that comes
 * or goes costs its own share and nothing else. `home` is the directory with the node's own files.
 */
export function openDisks(options: Options): Cache {
  const { disks, home, worker } = options;
  const [only] = disks;
  if (only === undefined) throw new TypeError("a cache has at least one directory");
  if (disks.length === 1) {
    const cache = openCache({ ...options, ...only });
    // the node's own files count only where they lie on the same disk
    return only.dir === home ? cache : { ...cache, chargeFiles() {} };
  }
  return overAll(
    disks.map((disk) => memberOf(disk, options)),
    { home, worker },
  );
}

/** Opened anew after each time that the directory was put to use: what was open may be of another disk. */
function memberOf({ dir, memory }: Disk, options: Options): Member {
  const view = openView(memory);
  let begun = 0;
  let cache: Cache | undefined;
  return {
    dir,
    view,
    get cache() {
      const now = timesBegun(view);
      if (now === begun) return cache;
      begun = now;
      cache?.close();
      cache = openCache({ ...options, dir, memory });
      return cache;
    },
  };
}

function overAll(
  members: readonly Member[],
  { home, worker }: { readonly home: string; readonly worker: number },
): Cache {
  const { find, holder, placesOf, byPath, ofRoom } = makeFinder(members);
  const caches = (): Cache[] => members.flatMap(({ cache }) => cache ?? []);
  let unnamed = 0;
  // a name for what has none yet, so that these are shared out by weight too
  const someId = (): string => `${worker} ${unnamed++}`;
  const any = (): Member | undefined => placesOf(someId()).find(takesMore);

  return {
    look: (relname) => find(relname, (cache) => cache.look(relname)),
    peek: (relname) => find(relname, (cache) => cache.peek(relname)),
    namesHere(id) {
      const found = caches().flatMap((cache) => cache.namesHere(id));
      // one that lies twice is named once
      return [...new Map(found.map((name) => [`${name.size} ${name.ext}`, name])).values()];
    },
    seat(meta) {
      for (const [disk, { cache }] of members.entries()) {
        const seat = cache?.seat(meta);
        if (seat !== undefined) return { ...seat, disk };
      }
      return undefined;
    },
    stands: (seat) => members[seat.disk]?.cache?.stands(seat) === true,
    publishedDigest: (seat) => members[seat.disk]?.cache?.publishedDigest(seat),
    count: (seat) => members[seat.disk]?.cache?.count(seat),
    inDoubt: () => caches().some((cache) => cache.inDoubt()),
    settle: (relname) => holder(relname).cache?.settle(relname),
    inspect: async (relname) => holder(relname).cache?.inspect(relname) ?? "gone",
    takeStray(relname) {
      for (const cache of caches()) {
        const stray = cache.takeStray(relname);
        if (stray !== undefined) return stray;
      }
      return undefined;
    },
    inspectNow: (relname) => holder(relname).cache?.inspectNow(relname) ?? "gone",
    pathOf: (relname) => `${holder(relname).dir}/${relname}`,
    tempPath: (relname) =>
      (relname === undefined ? any() : holder(relname))?.cache?.tempPath() ?? "",
    openTemp: (room) => (room === undefined ? any() : ofRoom(room))?.cache?.openTemp(),
    nameTemp: (room) => (room === undefined ? any() : ofRoom(room))?.cache?.nameTemp(),
    writeTemp(file, chunk, position) {
      byPath(file.path)?.writeTemp(file, chunk, position);
    },
    noteTrouble: (error, path) => byPath(path)?.noteTrouble(error, path),
    yieldRoom: (path) => byPath(path)?.yieldRoom(path),
    reserve(bytes, id) {
      for (const member of placesOf(id ?? someId())) {
        const room = takesMore(member) ? member.cache?.reserve(bytes) : undefined;
        if (room !== undefined) return room;
      }
      return undefined;
    },
    publish(room, tempPath, meta, how) {
      const { cache } = ofRoom(room);
      if (cache === undefined) throw new TypeError("a reservation of a directory that is not open");
      return cache.publish(room, tempPath, meta, how);
    },
    pin: (relname) => holder(relname).cache?.pin(relname) === true,
    unpin: (relname) => caches().filter((cache) => cache.unpin(relname)).length > 0,
    pinnable: (bytes) => members.some((one) => takesMore(one) && one.cache?.pinnable(bytes)),
    pinned: () => caches().flatMap((cache) => cache.pinned()),
    // a disk that is out of order must not bring back what was purged
    forget: (relname) => caches().filter((cache) => cache.forget(relname)).length > 0,
    noteUnread: (relname, error) => holder(relname).cache?.noteUnread(relname, error),
    list: (from, slotsMax) => listAll(members, from, slotsMax),
    learn: (relname, facts) => holder(relname).cache?.learn(relname, facts),
    chargeFiles(count) {
      members.find(({ dir }) => dir === home)?.cache?.chargeFiles(count);
    },
    usage: () => totalOf(members),
    disks: () => members.map(reportOf),
    close() {
      for (const cache of caches()) cache.close();
    },
  };
}

function isRead({ view }: Member): boolean {
  return diskState(view) !== "failed";
}

function takesMore({ view }: Member): boolean {
  return diskState(view) === "well";
}

function makeFinder(members: readonly Member[]) {
  const places = makePlaces(
    members.map(({ dir, view }) => ({ dir, weight: sum(view, SUM.capacity) })),
  );
  const at = (index: number): Member => {
    const member = members[index];
    if (member === undefined) throw new TypeError("no such directory of the cache");
    return member;
  };
  const placesOf = (id: string): Member[] => places.order(id).map(at);

  /** Where it belongs to, then everywhere else. */
  function find(
    relname: string,
    ask: (cache: Cache) => VariantMeta | undefined,
  ): VariantMeta | undefined {
    const first = places.first(idIn(relname), (index) => isRead(at(index)));
    if (first < 0) return undefined;
    const { cache } = at(first);
    const found = cache && ask(cache);
    if (found !== undefined) return found;
    for (const [index, member] of members.entries()) {
      if (index === first || member.cache === undefined || !isRead(member)) continue;
      const elsewhere = ask(member.cache);
      if (elsewhere !== undefined) return elsewhere;
    }
    return undefined;
  }

  /** Who has it, as `find` would; else one that has it and is out of order; else where it belongs to. */
  function holder(relname: string): Member {
    const order = placesOf(idIn(relname));
    const has = ({ cache }: Member): boolean => cache?.peek(relname) !== undefined;
    return order.filter(isRead).find(has) ?? order.find(has) ?? order[0] ?? at(0);
  }

  function byPath(path: string): Cache | undefined {
    return members.find(({ dir }) => path.startsWith(`${dir}/`))?.cache;
  }

  function ofRoom(room: Reservation): Member {
    const found =
      room instanceof HeldRoom ? members.find(({ dir }) => dir === room.store.dir) : undefined;
    if (found === undefined) throw new TypeError("not a reservation of this cache");
    return found;
  }

  return { find, holder, placesOf, byPath, ofRoom };
}

/** `ab/cd/ef/md/abcdefg.jpg` → `abcdefg`; an id has no dot. */
function idIn(relname: string): string {
  return relname.slice(relname.lastIndexOf("/") + 1, relname.lastIndexOf("."));
}

const NOTHING: Listed = { metas: [], next: undefined };

/** Cursors count through the places of all indexes, one after the other. */
function listAll(members: readonly Member[], from: number, slotsMax: number): Listed {
  let before = 0;
  for (const [index, { view, cache }] of members.entries()) {
    const after = before + view.slots;
    if (from < after) {
      const { metas, next } = cache?.list(from - before, slotsMax) ?? NOTHING;
      const last = index === members.length - 1;
      if (next !== undefined) return { metas, next: before + next };
      return { metas, next: last ? undefined : after };
    }
    before = after;
  }
  return NOTHING;
}

/** Of those that are in order, as far as they are. */
function totalOf(members: readonly Member[]): CacheUsage {
  const usages = members.filter(isRead).flatMap(({ cache }) => cache?.usage() ?? []);
  const total = (of: (usage: CacheUsage) => number): number =>
    usages.reduce((all, usage) => all + of(usage), 0);
  return {
    variants: total(({ variants }) => variants),
    bytes: total(({ bytes }) => bytes),
    pinnedBytes: total(({ pinnedBytes }) => pinnedBytes),
    reservedBytes: total(({ reservedBytes }) => reservedBytes),
    capacityBytes: total(({ capacityBytes }) => capacityBytes),
    limitBytes: total(({ limitBytes }) => limitBytes),
    unwritable: members.every((one) => !takesMore(one) || one.cache?.usage().unwritable !== false),
  };
}

function reportOf({ dir, view, cache }: Member): DiskUsage {
  return cache?.disks()[0] ?? { ...EMPTY, dir, state: diskState(view) };
}

/** Of a directory that was never put to use. */
const EMPTY: CacheUsage = {
  variants: 0,
  bytes: 0,
  pinnedBytes: 0,
  reservedBytes: 0,
  capacityBytes: 0,
  limitBytes: 0,
  unwritable: true,
};
