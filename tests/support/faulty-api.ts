/** A content resolution API whose every answer the test decides. */

export interface FaultyApi extends Disposable {
  readonly url: string;
  /** Paths asked for, in order. */
  readonly asked: readonly string[];
  /** `traceparent` of each. */
  readonly traces: readonly (string | null)[];
  answer: (path: string) => Response | Promise<Response>;
}

/** Knows every web id as `content-{webId}` until it is told otherwise. */
export function startFaultyApi(): FaultyApi {
  const asked: string[] = [];
  const traces: (string | null)[] = [];
  let answer: FaultyApi["answer"] = (path) =>
    Response.json({ contentId: `content-${path.split("/").at(-1)}`, ext: "jpg" });
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    fetch(request) {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      traces.push(request.headers.get("traceparent"));
      return answer(pathname);
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/papi/pt`,
    asked,
    traces,
    get answer() {
      return answer;
    },
    set answer(next) {
      answer = next;
    },
    [Symbol.dispose]() {
      server.stop(true).catch(() => {
        // it was stopped
      });
    },
  };
}
