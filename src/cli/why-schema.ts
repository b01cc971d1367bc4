/** `GET /why/{id}` as another version of mir may tell it: parsed before anything of it is printed. */

import * as v from "valibot";
import { Fault } from "../base/fault.ts";

const text = v.string();
const figure = v.number();
/** What is undefined is not in JSON. */
const mayText = v.optional(text);
const mayFigure = v.optional(figure);

const holder = v.object({
  server: text,
  rank: figure,
  self: v.boolean(),
  state: v.picklist(["up", "suspect", "down"]),
  region: mayText,
  weight: figure,
  draining: v.boolean(),
  variants: v.optional(v.array(v.object({ relname: text, bytes: figure, validator: text }))),
  unknown: mayText,
});

const fill = v.object({
  worker: figure,
  relname: text,
  bytes: figure,
  source: text,
  from: mayText,
  madeOf: mayText,
  at: figure,
  firstMs: mayFigure,
  totalMs: figure,
  queueMs: mayFigure,
  workMs: mayFigure,
  stored: v.boolean(),
});

const WHY = v.object({
  server: text,
  level: figure,
  id: text,
  webId: mayText,
  size: text,
  format: text,
  blocked: v.boolean(),
  purgedAt: v.nullable(figure),
  pinned: v.array(text),
  outbox: v.nullable(v.picklist(["waiting", "aside"])),
  levels: v.array(v.object({ level: figure, servers: v.array(holder), more: figure })),
  hot: v.object({
    threshold: figure,
    tracked: v.optional(
      v.object({ score: figure, rate: figure, degree: figure, holders: v.array(text) }),
    ),
    replicas: v.array(text),
  }),
  fills: v.array(fill),
  workers: v.array(
    v.object({
      worker: figure,
      answered: v.boolean(),
      path: v.optional(v.object({ id: mayText, freshSeconds: figure, accesses: figure })),
      refusals: v.array(v.object({ of: text, code: text, seconds: figure })),
    }),
  ),
  next: v.array(
    v.object({
      workers: v.array(figure),
      relname: text,
      steps: v.array(v.object({ does: text, servers: v.array(text), why: text })),
    }),
  ),
});

/** What of it is shown. */
export type WhyShown = v.InferOutput<typeof WHY>;

/** Throws a Fault for what is of a version that is too different. */
export function whyOf(json: unknown): WhyShown {
  const parsed = v.safeParse(WHY, json);
  if (parsed.success) return parsed.output;
  const where = v.getDotPath(parsed.issues[0]) ?? "its top";
  throw new Fault("internal", `the node gave an answer of another version: ${where}`);
}
