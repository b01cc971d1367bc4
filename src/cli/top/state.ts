/** What `mir top` knows: the mesh of now, rates of each server over the last minutes, what is selected. */

import type { MeshDocument } from "../../http/mesh-document.ts";
import { followMesh, type MeshRates } from "../../http/mesh-rates.ts";
import { rowsOf } from "../mesh-rows.ts";
import type { Key } from "./keys.ts";

export interface TopState {
  /** undefined: none has come yet. */
  readonly mesh: MeshDocument | undefined;
  /** Of two documents: how long answers took. */
  readonly rates: MeshRates | undefined;
  /** Requests a second by server, the latest last. */
  readonly curves: ReadonlyMap<string, readonly number[]>;
  /** Its name. */
  readonly selected: string | undefined;
  readonly help: boolean;
  /** Why nothing comes any more. */
  readonly trouble: string | undefined;
}

/** Seconds of a curve that are kept. */
export const CURVE_MAX = 240;

export const START: TopState = {
  mesh: undefined,
  rates: undefined,
  curves: new Map(),
  selected: undefined,
  help: false,
  trouble: undefined,
};

export function withMesh(state: TopState, mesh: MeshDocument): TopState {
  const rows = rowsOf(mesh);
  const curves = new Map(
    rows.map(({ name, requestsPerSecond = 0 }) => {
      const before = state.curves.get(name) ?? [];
      return [name, [...before, requestsPerSecond].slice(-CURVE_MAX)];
    }),
  );
  const known = rows.some(({ name }) => name === state.selected);
  const selected = known ? state.selected : rows[0]?.name;
  const rates = followMesh(state.rates, mesh);
  return { ...state, mesh, rates, curves, selected, trouble: undefined };
}

/** Of all keys but the one that quits. */
export function withKey(state: TopState, key: Key): TopState {
  if (key === "help") return { ...state, help: !state.help };
  const names = state.mesh === undefined ? [] : rowsOf(state.mesh).map(({ name }) => name);
  const at = names.indexOf(state.selected ?? "");
  const last = names.length - 1;
  const to = { up: Math.max(0, at - 1), down: Math.min(last, at + 1), first: 0, last };
  const selected = key === "quit" ? state.selected : names[to[key]];
  return { ...state, selected, help: false };
}
