/** Checks what levels, servers and origins must be to each other (spec §1, §9, §11). */

import { LIMITS } from "../base/limits.ts";
import type { Findings } from "./mistakes.ts";
import { type RawLevel, type RawServer, rawLevels, type Table, tableOf } from "./raw.ts";
import { shapeAt } from "./shape.ts";

/** What an origin may say of itself: all else is about a process, which it is not (spec §1). */
const ORIGIN_KEYS: readonly string[] = ["name", "is_s3_origin", "origin_dir"];

export function checkLevels(file: Table, findings: Findings): void {
  const levels = rawLevels(file);
  checkCounts(file, levels, findings);
  checkNames(levels, findings);
  for (const level of levels) {
    for (const server of level.servers) {
      if (server.origin) checkOrigin(file, server, levels.length, findings);
      else checkNode(server, findings);
    }
  }
}

function checkCounts(file: Table, levels: readonly RawLevel[], findings: Findings): void {
  const listed = file["levels"];
  if (Array.isArray(listed) && listed.length === 0) {
    findings.mistake(["levels"], {
      found: "no level",
      expected: "at least one level with a server",
    });
  }
  tooMany(["levels"], levels.length, { name: "levels", most: LIMITS.topologyLevelsMax }, findings);
  const servers = levels.flatMap((level) => level.servers);
  tooMany(
    ["levels"],
    servers.length,
    { name: "servers", most: LIMITS.topologyServersMax },
    findings,
  );
  for (const { path, table } of levels) {
    const inLevel = table["servers"];
    if (!Array.isArray(inLevel) || inLevel.length > 0) continue;
    findings.mistake([...path, "servers"], { found: "no server", expected: "at least one server" });
  }
  if (servers.length > 0 && servers.every((server) => server.origin)) {
    findings.mistake(["levels"], {
      found: "only origins",
      expected: "at least one server that is no origin: an origin is not a process",
    });
  }
  for (const server of servers) {
    const most = LIMITS.serverListenersMax;
    tooMany(
      [...server.path, "public"],
      server.publics.length,
      { name: "listeners", most },
      findings,
    );
    tooMany(
      [...server.path, "private"],
      server.privates.length,
      { name: "listeners", most },
      findings,
    );
  }
}

function tooMany(
  path: RawServer["path"],
  count: number,
  limit: { readonly name: string; readonly most: number },
  findings: Findings,
): void {
  if (count <= limit.most) return;
  findings.mistake(path, {
    found: `${count} ${limit.name}`,
    expected: `at most ${limit.most} ${limit.name}`,
  });
}

function checkNames(levels: readonly RawLevel[], findings: Findings): void {
  const seen = new Map<string, RawServer>();
  for (const server of levels.flatMap((level) => level.servers)) {
    if (server.name === undefined) continue;
    const first = seen.get(server.name);
    if (first === undefined) seen.set(server.name, server);
    else {
      findings.mistake([...server.path, "name"], {
        found: `${JSON.stringify(server.name)} a second time`,
        expected: `a name of its own (${findings.placeOf([...first.path, "name"])} has this one)`,
      });
    }
  }
}

function checkOrigin(file: Table, server: RawServer, levels: number, findings: Findings): void {
  const { path, table } = server;
  if (server.level !== levels - 1) {
    findings.mistake(path, {
      found: `an origin on level ${server.level}`,
      expected: `origins only on the last level, ${levels - 1}`,
    });
  }
  if (table["is_s3_origin"] === true && table["origin_dir"] !== undefined) {
    findings.mistake([...path, "origin_dir"], {
      found: "both is_s3_origin and origin_dir",
      expected: "one of them",
      at: "key",
    });
  }
  if (table["is_s3_origin"] === true && tableOf(file, "s3")["host"] === undefined) {
    findings.mistake([...path, "is_s3_origin"], {
      found: "no [s3] host",
      expected: "[s3] with host",
    });
  }
  for (const key of Object.keys(table)) {
    // an unknown key has been told already
    if (ORIGIN_KEYS.includes(key) || shapeAt([...path, key]) === undefined) continue;
    findings.mistake([...path, key], {
      found: `${key} at an origin`,
      expected: `only ${ORIGIN_KEYS.join(", ")}: an origin is not a process`,
      at: "key",
    });
  }
}

function checkNode(server: RawServer, findings: Findings): void {
  const dirs = server.table["cache_dirs"];
  const count = Array.isArray(dirs) ? dirs.length : 1;
  if (count < 1 || count > LIMITS.cacheDirsMax) {
    findings.mistake([...server.path, "cache_dirs"], {
      found: `${count} directories`,
      expected: `1 to ${LIMITS.cacheDirsMax}`,
    });
  }
  if (server.table["cache_dir"] !== undefined) return;
  findings.mistake([...server.path, "cache_dir"], {
    found: "nothing",
    expected: "cache_dir, or is_s3_origin or origin_dir where the server is an origin",
  });
}
