/** One call of the content resolution API, parsed at the border (spec §5). */

import * as v from "valibot";
import { originalExtOf } from "../base/ext-names.ts";
import { LIMITS } from "../base/limits.ts";
import { readBounded } from "../base/read-bounded.ts";
import { isContentId } from "../base/variant.ts";
import type { Resolution } from "./resolution.ts";

/** What is wrong with an answer, and what the API's operator does about it. */
export interface ApiFailure {
  readonly kind: "failed";
  readonly reason: string;
  readonly hint: string;
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const ANSWER = v.object({
  contentId: v.pipe(v.string(), v.check(isContentId, "not a content id")),
  ext: v.nullish(v.string()),
});

/** Never throws: whatever goes wrong is a failure with its reason. `url` has no redirects followed. */
export async function askApi(options: {
  readonly url: string;
  readonly waitMs: number;
  readonly traceparent?: string | undefined;
  readonly fetch: Fetch;
}): Promise<Resolution | ApiFailure> {
  const { traceparent } = options;
  try {
    const response = await options.fetch(options.url, {
      redirect: "manual",
      headers: {
        accept: "application/json",
        ...(traceparent === undefined ? {} : { traceparent }),
      },
      // ends the reading of the body too
      signal: AbortSignal.timeout(options.waitMs),
    });
    return await judge(response);
  } catch (error) {
    const slow = error instanceof Error && error.name === "TimeoutError";
    return slow
      ? failed(`no answer within ${options.waitMs} ms`, "the API is too slow")
      : failed(`cannot be reached: ${textOf(error)}`, "see that it runs and the address is right");
  }
}

async function judge(response: Response): Promise<Resolution | ApiFailure> {
  if (response.status === 404) {
    await response.body?.cancel();
    return { kind: "unknown" };
  }
  if (response.status !== 200) {
    await response.body?.cancel();
    return failed(`status ${response.status}`, "the API must answer 200 or 404, without redirects");
  }
  const body = await readBounded(response, LIMITS.resolverAnswerBytesMax);
  if (body === undefined) {
    const most = LIMITS.resolverAnswerBytesMax;
    return failed(`answer over ${most} bytes`, 'the API must answer {"contentId","ext"}');
  }
  return parseAnswer(body.toString("utf8"));
}

/** Unknown fields are ignored; an ext that no original carries counts as not given. */
function parseAnswer(text: string): Resolution | ApiFailure {
  const hint = 'the API must answer {"contentId": 6 to 96 of A-Z a-z 0-9 _ -, "ext": "jpg"}';
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return failed("answer is not JSON", hint);
  }
  const parsed = v.safeParse(ANSWER, json);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return failed(`answer is wrong at ${v.getDotPath(issue) ?? "top"}: ${issue.message}`, hint);
  }
  const { contentId, ext } = parsed.output;
  return { kind: "known", id: contentId, ext: originalExtOf((ext ?? "").replace(/^\./, "")) };
}

function failed(reason: string, hint: string): ApiFailure {
  return { kind: "failed", reason, hint };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
