/** Files for running mir, and the list of what is inside it, agree with what the project is. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../scripts/setup.ts";
import { readTopology } from "../src/topology/read.ts";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** As GitHub and others make them of a heading. */
const anchorsOf = (page: string): string[] =>
  [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );

interface Rule {
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

describe("alerts", () => {
  const file = Bun.YAML.parse(read("deploy/prometheus/alerts.yml")) as {
    readonly groups: readonly { readonly rules: readonly Rule[] }[];
  };
  const rules = file.groups.flatMap((group) => group.rules);

  test("each has its severity, a sentence, and its own place in docs/alerts.md", () => {
    const anchors = anchorsOf(read("docs/alerts.md"));
    for (const { alert, labels, annotations } of rules) {
      expect(["critical", "warning", "info"]).toContain(labels["severity"] ?? "");
      expect(annotations["summary"]).toMatch(/^\S.*\S$/);
      expect(annotations["runbook"]).toBe(`docs/alerts.md#${alert.toLowerCase()}`);
      expect(anchors).toContain(alert.toLowerCase());
    }
  });

  test("docs/alerts.md explains no other, and leads nowhere that is not there", () => {
    const page = read("docs/alerts.md");
    const explained = [...page.matchAll(/^### (.+)$/gm)].map(([, name]) => name);
    expect(explained.sort()).toEqual(rules.map(({ alert }) => alert).sort());
    for (const [, path = "", anchor = ""] of page.matchAll(/\]\(([\w./]*)#([\w-]+)\)/g)) {
      expect(anchorsOf(path === "" ? page : read(join("docs", path)))).toContain(anchor);
    }
  });
});

test("the dashboard has panels that do not overlap, each with its queries and data source", () => {
  const { panels } = JSON.parse(read("deploy/grafana/mir.json")) as {
    readonly panels: readonly {
      readonly id: number;
      readonly type: string;
      readonly title: string;
      readonly gridPos: Readonly<Record<"x" | "y" | "w" | "h", number>>;
      readonly datasource?: { readonly uid: string };
      readonly targets?: readonly { readonly expr: string }[];
    }[];
  };
  const taken = new Map<string, string>();
  for (const { type, title, gridPos, datasource, targets = [] } of panels) {
    const { x, y, w, h } = gridPos;
    for (let i = 0; i < w * h; i++) {
      const cell = `${x + (i % w)},${y + Math.floor(i / w)}`;
      expect(`${title} at ${cell} beside ${taken.get(cell)}`).toEndWith("undefined");
      taken.set(cell, title);
    }
    expect(x + w).toBeLessThanOrEqual(24);
    if (type === "row") continue;
    expect(datasource?.uid).toBe("$".concat("{datasource}"));
    expect(targets.length).toBeGreaterThan(0);
  }
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
});

describe("deploy/compose.yaml", () => {
  const file = Bun.YAML.parse(read("deploy/compose.yaml")) as {
    readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    readonly volumes: Readonly<Record<string, unknown>>;
  };
  const path = join(ROOT, "deploy/compose.toml");
  const baseDir = join(ROOT, "deploy");
  const topology = readTopology(read("deploy/compose.toml"), {
    file: path,
    baseDir,
    isFolder: () => true,
    diskBytes: () => 2 ** 40,
  });

  test("has a container for each server of compose.toml, and no mistake in that", () => {
    if (topology.kind === "mistakes") throw new Error(JSON.stringify(topology.mistakes));
    const servers = topology.topology.levels.flatMap((level) => level.servers);
    expect(Object.keys(file.services).sort()).toEqual(servers.map(({ name }) => name).sort());
    for (const { name, cacheDir, privates } of servers) {
      const environment = file.services[name]?.["environment"];
      expect(environment).toMatchObject({ MIR_SERVER: name });
      expect(cacheDir).toBe(`/var/cache/mir/${name}`);
      expect(privates.map(({ host }) => host)).toEqual([name]);
    }
  });

  test("gives no container more than it needs", () => {
    for (const [name, service] of Object.entries(file.services)) {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
        stop_grace_period: "75s",
      });
      expect(service["volumes"]).toContain(`${name}:/var/cache/mir`);
      expect(Object.keys(file.volumes)).toContain(name);
    }
  });
});

describe("NOTICE", () => {
  const notice = read("NOTICE");

  test("names every package that goes into the executable, and its version", () => {
    const { dependencies, packageManager } = JSON.parse(read("package.json")) as {
      readonly dependencies: Readonly<Record<string, string>>;
      readonly packageManager: string;
    };
    const locked = lockedPackages();
    const wanted = new Map<string, string>();
    const add = (name: string): void => {
      const found = locked.get(name);
      if (found === undefined || wanted.has(name)) return;
      wanted.set(name, found.version);
      for (const next of found.dependencies) add(next);
    };
    for (const name of Object.keys(dependencies)) add(name);
    expect(wanted.size).toBeGreaterThan(Object.keys(dependencies).length);
    for (const [name, version] of wanted) expect(notice).toContain(`\n${name} ${version}, `);
    expect(notice).toContain(packageManager.replace("bun@", "Bun "));
  });

  test("names libvips as it is inside, and everything that is in it", () => {
    const [name = ""] = new Bun.Glob("sharp-libvips-linux*").scanSync({
      cwd: join(ROOT, "node_modules/@img"),
      onlyFiles: false,
    });
    const { vips } = JSON.parse(read(`node_modules/@img/${name}/versions.json`));
    const { version } = JSON.parse(read(`node_modules/@img/${name}/package.json`));
    expect(notice).toContain(`libvips ${vips} and`);
    expect(notice).toContain(`sharp-libvips ${version} `);
    const table = read(`node_modules/@img/${name}/README.md`);
    const libraries = [...table.matchAll(/^\| ([\w-]+) +\| /gm)].map(([, library = ""]) => library);
    expect(libraries.length).toBeGreaterThan(20);
    for (const library of libraries.filter((word) => word !== "Library")) {
      expect(notice).toMatch(new RegExp(`[:,] ${library}(,|\\n)`));
    }
  });

  test("the licences that it leaves to the folder are there", () => {
    const [, list = ""] = /container image: ([^\n]+)\./.exec(notice) ?? [];
    const names = list.match(/[A-Z]+[a-z]*-\d\.\d/g) ?? [];
    expect(new Set(names).size).toBe(6);
    for (const name of names) expect(read(`licences/${name}.txt`).length).toBeGreaterThan(1000);
  });
});

/** Name, version and what must come along, of the entries at the top of bun.lock. */
function lockedPackages(): ReadonlyMap<
  string,
  { readonly version: string; readonly dependencies: readonly string[] }
> {
  const lines = read("bun.lock").matchAll(
    /^ {4}"([^"]+)": \["\1@([^"]+)", "[^"]*", (\{.*\}), "sha/gm,
  );
  return new Map(
    [...lines].map(([, name = "", version = "", about = "{}"]) => {
      const { dependencies = {} } = JSON.parse(about.replaceAll(/,(\s*[}\]])/g, "$1")) as {
        readonly dependencies?: Readonly<Record<string, string>>;
      };
      return [name, { version, dependencies: Object.keys(dependencies) }];
    }),
  );
}
