/** `Cache-Status` as tests read it. */

export interface Member {
  readonly cache: string;
  readonly hit: boolean;
  readonly detail: string | undefined;
  readonly stored: boolean;
  readonly collapsed: boolean;
}

/** Members of the header, the one closest to the origin first. */
export function membersOf(answer: Response): Member[] {
  const header = answer.headers.get("cache-status") ?? "";
  return header
    .split(",")
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .map((text) => {
      const [cache = "", ...params] = text.split(";").map((part) => part.trim());
      const detail = params.find((p) => p.startsWith("detail="))?.slice("detail=".length);
      return {
        cache,
        hit: params.includes("hit"),
        detail,
        stored: params.includes("stored"),
        collapsed: params.includes("collapsed"),
      };
    });
}

/** The answering node's own word: `hit`, or the detail. */
export function outcomeOf(answer: Response): string {
  const own = membersOf(answer).at(-1);
  return own?.hit === true ? "hit" : (own?.detail ?? "none");
}
