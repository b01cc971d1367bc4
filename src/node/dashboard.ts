/** What the admin listener shows of the whole mesh. */

import type { Parts } from "../content/parts.ts";
import type { AdminPage } from "../http/admin.ts";
import { dashboardFiles } from "../http/dashboard-files.ts";
import { makeEvents } from "../http/events.ts";
import type { StatusDocument } from "../http/status-document.ts";
import { makeMeshView } from "./mesh-view.ts";
import { PICTURE_PATH, pictures } from "./small-picture.ts";

export interface Dashboard {
  /** By path. */
  readonly pages: Readonly<Record<string, AdminPage>>;
  /** Streams end, other nodes are asked no longer. */
  close(): Promise<void>;
}

export function openDashboard(options: {
  /** That follow the topology. */
  readonly parts: Parts;
  readonly status: () => StatusDocument;
  /** That of this node, which the others are taken to have too. */
  readonly token: string | undefined;
}): Dashboard {
  const { parts, status, token } = options;
  const view = makeMeshView({ parts, status, token });
  const events = makeEvents({ look: view.look, stamp: view.states, log: parts.log });
  return {
    pages: {
      ...dashboardFiles,
      "/mesh": async () =>
        Response.json(await view.look(), { headers: { "Cache-Control": "no-store" } }),
      "/events": events.page,
      [PICTURE_PATH]: pictures({ parts, elsewhere: view.hotAt, token }),
    },
    async close() {
      await events.close();
      view[Symbol.dispose]();
    },
  };
}
