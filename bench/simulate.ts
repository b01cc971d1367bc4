/**
 * A level of a thousand servers with ten million ids, by the same functions that nodes go by: how evenly ids and
 * requests lie on servers with copies and without, what copies take, and what moves when a server comes or goes.
 */

import { copyOrder, degreeOf, thresholdOf } from "../src/content/hot/heat.ts";
import { makeOwnership, type Ownership } from "../src/mesh/ownership.ts";
import { readTopology } from "../src/topology/read.ts";
import type { Topology } from "../src/topology/topology.ts";

const SERVERS = Number(process.env["MIR_SERVERS"] ?? 1000);
const IDS = Number(process.env["MIR_IDS"] ?? 10_000_000);
/** Of which ownership is computed one by one; the rest lies like them. */
const SAMPLE = Number(process.env["MIR_SAMPLE"] ?? 1_000_000);
const REQUESTS_PER_SECOND = SERVERS * 10_000;
const VARIANT_BYTES = 48 * 1024;
/** For one server with a copy, those that have none ask in so many parts. */
const PARTS = 4;
/** Of all requests, for one id beside the Zipf of the others. */
const CROWDS = [0, 0.1, 0.5];
/** Ids of which it is computed again under another topology. */
const MOVED_SAMPLE = 20_000;

const topology = levelOf(SERVERS);
const ownership = makeOwnership(topology);
const names = ownership.group("s0");
const at = new Map(names.map((name, i) => [name, i]));
/** Owners of the ids that are asked for most, by their place among them; the rest lies like these. */
const owners = new Uint16Array(Math.min(SAMPLE, IDS));
for (let n = 0; n < owners.length; n++) owners[n] = at.get(first(ownership, n)) ?? 0;

spreadOfIds();
moved();
for (const crowd of CROWDS) loads(crowd);

function levelOf(count: number): Topology {
  const servers = Array.from({ length: count }, (_, i) => {
    return `[[levels.servers]]\nname = "s${i}"\ncache_dir = "s${i}"\n[[levels.servers.private]]\nhost = "10.0.${i >> 8}.${i & 255}"\nport = 5556\n`;
  });
  const text = `[meta]\nname = "simulation"\n[security]\ninsecure = true\n[[levels]]\n${servers.join("")}`;
  const read = readTopology(text, { file: "simulation.toml", baseDir: "/nowhere" });
  if (read.kind !== "ok") throw new Error(JSON.stringify(read.mistakes.slice(0, 3)));
  return read.topology;
}

/** Owners one by one, of a sample. */
function spreadOfIds(): void {
  const owned = new Float64Array(SERVERS);
  for (let n = 0; n < SAMPLE; n++) add(owned, owners[n] ?? 0, 1);
  const mean = SAMPLE / SERVERS;
  // chance alone puts about 3.2 standard deviations between the mean and the fullest of a thousand
  const scatter = Math.max(...owned) / mean - 1;
  const scaled = 1 + scatter * Math.sqrt(SAMPLE / IDS);
  console.log(
    `${SERVERS} servers, ${IDS.toLocaleString("en")} ids (${SAMPLE.toLocaleString("en")} computed)`,
  );
  console.log(
    `  ids of the fullest: ${(1 + scatter).toFixed(3)} x mean in the sample, about ${scaled.toFixed(3)} of all`,
  );
}

/** One server comes, one goes: ids with another owner. */
function moved(): void {
  const more = makeOwnership(levelOf(SERVERS + 1));
  const fewer = makeOwnership(levelOf(SERVERS - 1));
  const sample = Math.min(SAMPLE, MOVED_SAMPLE);
  let came = 0;
  let went = 0;
  for (let n = 0; n < sample; n++) {
    const owner = names[owners[n] ?? 0];
    if (first(more, n) !== owner) came++;
    if (first(fewer, n) !== owner) went++;
  }
  const per = (count: number): string => `${((count / sample) * SERVERS).toFixed(2)} / ${SERVERS}`;
  console.log(`  ids that move when a server comes: ${per(came)}; when one goes: ${per(went)}`);
}

/** Requests of a Zipf with exponent 1, and a crowd at one id: the busiest server, with copies and without. */
function loads(crowd: number): void {
  let zipf = 0;
  for (let n = 1; n <= IDS; n++) zipf += 1 / n;
  const alone = new Float64Array(SERVERS);
  const copied = new Float64Array(SERVERS);
  const hot: Hot[] = [];
  let tail = 1;
  for (let n = 0; n < owners.length; n++) {
    const share = (1 - crowd) / (n + 1) / zipf + (n === 0 ? crowd : 0);
    const owner = owners[n] ?? 0;
    tail -= share;
    add(alone, owner, share);
    const degree = copiesOf(share);
    if (degree > 1) hot.push({ share, servers: holders(n, owner, degree) });
    else add(copied, owner, share);
  }
  for (const load of [alone, copied]) {
    for (let i = 0; i < SERVERS; i++) add(load, i, tail / SERVERS);
  }
  const even = copied.slice();
  for (const { share, servers } of hot) {
    for (const server of servers) add(even, server, share / servers.length);
    shareOut(copied, { share, servers });
  }
  const copies = hot.reduce((sum, { servers }) => sum + servers.length - 1, 0);
  const megabytes = ((copies * VARIANT_BYTES) / SERVERS / 2 ** 20).toFixed(1);
  console.log(`  one id with ${(crowd * 100).toFixed(0)} % of the requests, the others by Zipf`);
  console.log(`    busiest server, x mean: ${worst(alone)} without copies; with copies`);
  console.log(`    ${worst(even)} shared out evenly, ${worst(copied)} by load`);
  const most = hot[0]?.servers.length ?? 1;
  console.log(`    ${hot.length} ids copied, ${copies} copies, the hottest on ${most} servers`);
  console.log(`    ${megabytes} MiB of copies a server`);
}

interface Hot {
  readonly share: number;
  readonly servers: readonly number[];
}

function holders(n: number, owner: number, degree: number): readonly number[] {
  const ranks = ownership.rank(0, undefined, idOf(n), degree);
  return [owner, ...copyOrder("rendezvous", ranks).map((name) => at.get(name) ?? 0)];
}

/** Each answers its own clients; what the others ask goes, a part at a time, to the less loaded of two. */
function shareOut(load: Float64Array, { share, servers }: Hot): void {
  const local = share / SERVERS;
  for (const server of servers) add(load, server, local);
  const parts = servers.length * PARTS;
  const part = (share - local * servers.length) / parts;
  for (let n = 0; n < parts; n++) {
    const first = servers[Math.floor(Math.random() * servers.length)] ?? 0;
    const second = servers[Math.floor(Math.random() * servers.length)] ?? 0;
    add(load, (load[first] ?? 0) <= (load[second] ?? 0) ? first : second, part);
  }
}

/** As an owner decides: it sees its own part of the requests, and all of those for what it owns. */
function copiesOf(share: number): number {
  const rate = share * REQUESTS_PER_SECOND;
  const seenPerMinute = (REQUESTS_PER_SECOND / SERVERS + rate) * 60;
  // a steady score of a half-life of 300 s
  const score = (rate * 300) / Math.LN2;
  if (score < thresholdOf(seenPerMinute)) return 1;
  return Math.max(2, degreeOf(share, SERVERS));
}

function idOf(n: number): string {
  return `photo-${n.toString(36).padStart(8, "0")}`;
}

function first(of: Ownership, n: number): string {
  return of.rank(0, undefined, idOf(n), 1)[0] ?? "";
}

function add(to: Float64Array, index: number, amount: number): void {
  to[index] = (to[index] ?? 0) + amount;
}

function worst(load: Float64Array): string {
  return (Math.max(...load) * SERVERS).toFixed(2);
}
