/** Which message a command's data is: the one place where bytes from a peer become something with a type. */

import { Fault } from "../base/fault.ts";
import { type CommandName, LITERALS } from "./commands.ts";
import { type Fields, object, relnameFrom } from "./fields.ts";
import type { Message } from "./messages.ts";
import {
  ackFrom,
  askFrom,
  endFrom,
  errorFrom,
  helloFrom,
  proofFrom,
  purgeFrom,
  recordFrom,
  saveHeaderFrom,
  warmFrom,
} from "./shapes.ts";

/** No relname begins with a brace. */
const JSON_BEGINS = "{".charCodeAt(0);

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

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
      return { kind: command, relname: relnameOf(data, command) };
    case "warm":
      if (data[0] !== JSON_BEGINS)
        return { kind: command, warm: { relname: relnameOf(data, command) } };
      return { kind: command, warm: warmFrom(fieldsOf(data, command), command) };
    case "record":
      return { kind: command, record: recordFrom(fieldsOf(data, command), command) };
    default:
      throw new Fault("internal", `${command} has a JSON header`);
  }
}

/** A message with a JSON header, unknown fields dropped; throws a Fault `bad_frame`. */
export function parseHeaded(command: CommandName, json: Uint8Array, bodyBytes: number): Message {
  const fields = fieldsOf(json, command);
  switch (command) {
    case "save":
    case "rebalance":
      return { kind: command, header: saveHeaderFrom(fields, command), bodyBytes };
    case "hello":
      // a dialler's second one has no name
      if ("name" in fields) return { kind: command, hello: helloFrom(fields, command) };
      return { kind: "proof", proof: proofFrom(fields, command).proof };
    case "ask":
      return { kind: command, ask: askFrom(fields, command) };
    case "error":
      return { kind: command, error: errorFrom(fields, command) };
    case "end":
      return { kind: command, end: endFrom(fields, command) };
    case "ack":
      return { kind: command, ack: ackFrom(fields, command) };
    case "purge":
      return { kind: command, purge: purgeFrom(fields, command) };
    default:
      throw new Fault("internal", `${command} has no JSON header`);
  }
}

function relnameOf(data: Uint8Array, what: string): string {
  const name = relnameFrom(textOf(data, what));
  if (name === undefined) throw new Fault("bad_frame", `${what}: no relname`);
  return name;
}

function fieldsOf(data: Uint8Array, what: string): Fields {
  return object(jsonOf(textOf(data, what), what), what);
}

function textOf(data: Uint8Array, what: string): string {
  try {
    return utf8.decode(data);
  } catch (error) {
    throw badFrame(`${what}: not UTF-8`, error);
  }
}

function jsonOf(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badFrame(`${what}: no JSON`, error);
  }
}

function badFrame(told: string, cause: unknown): Fault {
  return new Fault("bad_frame", told, { cause });
}
