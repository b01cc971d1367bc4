/** Which message a command's data is. */

import { Fault } from "../base/fault.ts";
import { type CommandName, LITERALS } from "./commands.ts";
import {
  Ack,
  Ask,
  End,
  ErrorMessage,
  HelloOrProof,
  HitRecord,
  type Message,
  Purge,
  parseJson,
  parseRelnameData,
  SaveHeader,
  textOf,
  Warm,
} from "./messages.ts";

/** No relname begins with a brace. */
const JSON_BEGINS = "{".charCodeAt(0);

/** A message without a JSON header; throws a Fault `bad_frame`. */
export function parsePlain(command: CommandName, data: Uint8Array): Message {
  switch (command) {
    case "heartbeat":
    case "ping":
    case "pong":
      if (textOf(data, command) !== LITERALS[command]) {
        throw new Fault("bad_frame", `${command}: not the literal ${LITERALS[command]}`);
      }
      return { kind: command };
    case "request":
      return { kind: command, relname: parseRelnameData(data, command) };
    case "warm":
      if (data[0] === JSON_BEGINS) return { kind: command, warm: parseJson(Warm, data, command) };
      return { kind: command, warm: { relname: parseRelnameData(data, command) } };
    case "record":
      return { kind: command, record: parseJson(HitRecord, data, command) };
    default:
      throw new Fault("internal", `${command} has a JSON header`);
  }
}

/** A message with a JSON header; throws a Fault `bad_frame`. */
export function parseHeaded(command: CommandName, json: Uint8Array, bodyBytes: number): Message {
  switch (command) {
    case "save":
    case "rebalance":
      return { kind: command, header: parseJson(SaveHeader, json, command), bodyBytes };
    case "hello":
      return helloOrProof(json);
    case "ask":
      return { kind: command, ask: parseJson(Ask, json, command) };
    case "error":
      return { kind: command, error: parseJson(ErrorMessage, json, command) };
    case "end":
      return { kind: command, end: parseJson(End, json, command) };
    case "ack":
      return { kind: command, ack: parseJson(Ack, json, command) };
    case "purge":
      return { kind: command, purge: parseJson(Purge, json, command) };
    default:
      throw new Fault("internal", `${command} has no JSON header`);
  }
}

function helloOrProof(json: Uint8Array): Message {
  const said = parseJson(HelloOrProof, json, "hello");
  if ("name" in said) return { kind: "hello", hello: said };
  return { kind: "proof", proof: said.proof };
}
