/**
 * A level of a thousand servers with ten million ids, by the same functions that nodes go by: how evenly ids and
 * requests lie on servers with copies and without, what copies take, and what moves when a server comes or goes.
 */

import { copyOrder, degreeOf, thresholdOf } from "../src/content/hot/heat.ts";
import { makeOwnership } from "../src/mesh/ownership.ts";
import { readTopology } from "../src/topology/read.ts";
import type { Topology } from "../src/topology/topology.ts";

const SERVERS = Number(process.env["MIR_SERVERS"] ?? 1000);
const IDS = Number(process.env["MIR_IDS"] ?? 10_000_000);
/** Of which ownership is computed one by one; the rest lies like them. */
const SAMPLE = Number(process.env["MIR_SAMPLE"] ?? 1_000_000);
const REQUESTS_PER_SECOND = SERVERS * 10_000;
const VARIANT_BYTES = 48 * 1024;
/** Of all requests, for one id beside the Zipf of the others. */
const CROWDS = [0, 0.1, 0.5];
/** Ids whose part of the requests is so small that no server notices who has them. */
const TAIL_FROM = 200_000;

const topology = levelOf(SERVERS);
const ownership = makeOwnership(topology);
const names = ownership.group("s0");
const at = new Map(names.map((name, i) => [name, i]));

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
  for (let n = 0; n < SAMPLE; n++) add(owned, ownerOf(n), 1);
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
  const sample = Math.min(SAMPLE, 100_000);
  let came = 0;
  let went = 0;
  for (let n = 0; n < sample; n++) {
    const [owner] = ownership.rank(0, undefined, idOf(n));
    if (more.rank(0, undefined, idOf(n))[0] !== owner) came++;
    if (fewer.rank(0, undefined, idOf(n))[0] !== owner) went++;
  }
  const per = (count: number): string => `${((count / sample) * SERVERS).toFixed(2)} / ${SERVERS}`;
  console.log(`  ids that move when a server comes: ${per(came)}; when one goes: ${per(went)}`);
}

/** Requests of a Zipf with exponent 1, and a crowd at one id: the busiest server, with copies and without. */
function loads(crowd: number): void {
  let zipf = 0;
  for (let n = 1; n <= IDS; n++) zipf += 1 / n;
  const shareOf = (n: number): number => (1 - crowd) / (n + 1) / zipf + (n === 0 ? crowd : 0);
  const alone = new Float64Array(SERVERS);
  const copied = new Float64Array(SERVERS);
  const figures = { ids: 0, copies: 0, most: 0 };
  const heads = Math.min(IDS, TAIL_FROM);
  let tail = 1;
  for (let n = 0; n < heads; n++) {
    const share = shareOf(n);
    tail -= share;
    const owner = ownerOf(n);
    add(alone, owner, share);
    const degree = copiesOf(share);
    if (degree <= 1) {
      add(copied, owner, share);
      continue;
    }
    figures.ids++;
    figures.copies += degree - 1;
    figures.most = Math.max(figures.most, degree);
    // those that have it answer their own clients, and an equal part of what the others ask
    const ranks = ownership.rank(0, undefined, idOf(n));
    const servers = [ranks[0] ?? "", ...copyOrder("rendezvous", ranks).slice(0, degree - 1)];
    for (const name of servers) add(copied, at.get(name) ?? 0, share / degree);
  }
  for (const load of [alone, copied])
    for (let i = 0; i < SERVERS; i++) add(load, i, tail / SERVERS);
  const megabytes = ((figures.copies * VARIANT_BYTES) / SERVERS / 2 ** 20).toFixed(1);
  console.log(`  one id with ${(crowd * 100).toFixed(0)} % of the requests, the others by Zipf`);
  console.log(`    busiest server: ${worst(alone)} x mean without copies, ${worst(copied)} with`);
  console.log(
    `    ${figures.ids} ids copied, ${figures.copies} copies, the hottest on ${figures.most} servers; ${megabytes} MiB a server`,
  );
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

function ownerOf(n: number): number {
  return at.get(ownership.topRanks(0, undefined, idOf(n))[0] ?? "") ?? 0;
}

function add(to: Float64Array, index: number, amount: number): void {
  to[index] = (to[index] ?? 0) + amount;
}

function worst(load: Float64Array): string {
  return (Math.max(...load) * SERVERS).toFixed(2);
}
