/** What shells complete: every command with its flags and what their values are, out of the commands' own declarations. */

import type { ArgDef, ArgsDef } from "citty";
import { FORMATS, ORIG, PLACEHOLDER } from "../../base/variant.ts";

/** `server`: names out of the topology file that the line gives. */
export type ValueKind =
  | { readonly kind: "file" | "folder" | "server" | "any" }
  | { readonly kind: "word"; readonly words: readonly string[] };

export interface FlagModel {
  readonly name: string;
  readonly description: string;
  /** undefined: it takes none. */
  readonly value: ValueKind | undefined;
}

export interface CommandModel {
  readonly name: string;
  readonly description: string;
  readonly flags: readonly FlagModel[];
  /** Of what is no flag; undefined: there is none. */
  readonly operand: ValueKind | undefined;
}

/** By `valueHint` of a flag, as usage shows it too. */
const KINDS: Readonly<Record<string, ValueKind>> = {
  FILE: { kind: "file" },
  DIR: { kind: "folder" },
  SERVER: { kind: "server" },
  // of a site that says nothing else; its own names can be typed
  SIZE: { kind: "word", words: ["xs", "sm", "md", "lg", "xl", ORIG, PLACEHOLDER] },
  FORMAT: { kind: "word", words: FORMATS },
  LEVEL: { kind: "word", words: ["debug", "info", "warn", "error"] },
  SHELL: { kind: "word", words: ["bash", "zsh", "fish"] },
};

export function commandModel(command: {
  readonly name: string;
  readonly description: string;
  readonly args: ArgsDef;
}): CommandModel {
  const { name, description, args } = command;
  const declared = Object.entries(args);
  const operand = declared.find(([, def]) => def.type === "positional")?.[1];
  const flags = declared
    .filter(([, def]) => def.type !== "positional")
    .map(([flag, def]) => flagModel(flag, def));
  const help = { name: "help", description: "what the command does and takes", value: undefined };
  return { name, description, flags: [...flags, help], operand: operand && kindOf(operand) };
}

function flagModel(name: string, def: ArgDef): FlagModel {
  // what is on by default is only ever turned off
  const off = def.type === "boolean" && def.default === true;
  return {
    name: off ? `no-${name}` : name,
    description: (off ? def.negativeDescription : def.description) ?? "",
    value: def.type === "boolean" ? undefined : kindOf(def),
  };
}

function kindOf({ valueHint = "" }: ArgDef): ValueKind {
  return KINDS[valueHint] ?? { kind: "any" };
}
