/** The files of the dashboard, as they lie in the executable, or built when asked for where it runs from source. */

import { join } from "node:path";
import { Fault } from "../base/fault.ts";
import charts from "./dashboard/charts.css" with { type: "text" };
import colours from "./dashboard/colours.css" with { type: "text" };
import mesh from "./dashboard/mesh.css" with { type: "text" };
import page from "./dashboard/page.css" with { type: "text" };
import html from "./dashboard/page.html" with { type: "text" };
import panels from "./dashboard/panels.css" with { type: "text" };

declare const MIR_DASHBOARD: string | undefined;

const STYLE: string = [colours, page, mesh, charts, panels].join("\n");

/** Paths that show nothing of the mesh: served without the token, so that a page can ask for it. */
export const DASHBOARD_PATHS = ["/", "/dashboard.js", "/dashboard.css"] as const;

/** Nothing from elsewhere, and nothing that is written into the page. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src blob: data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export const dashboardFiles = {
  "/": () => file(String(html), "text/html;charset=utf-8"),
  "/dashboard.css": () => file(STYLE, "text/css;charset=utf-8"),
  "/dashboard.js": async () => file(await script(), "text/javascript;charset=utf-8"),
} satisfies Record<(typeof DASHBOARD_PATHS)[number], () => Response | Promise<Response>>;

function file(text: string, type: string): Response {
  return new Response(text, {
    headers: {
      "Content-Type": type,
      "Content-Security-Policy": POLICY,
      "Referrer-Policy": "no-referrer",
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": "no-store",
    },
  });
}

function script(): string | Promise<string> {
  return typeof MIR_DASHBOARD === "undefined" ? builtFromSource() : MIR_DASHBOARD;
}

async function builtFromSource(): Promise<string> {
  const entry = join(import.meta.dir, "dashboard", "page.ts");
  const { outputs } = await Bun.build({ entrypoints: [entry], target: "browser" });
  const text = await outputs[0]?.text();
  if (text === undefined) throw new Fault("internal", "the dashboard could not be built");
  return text;
}
