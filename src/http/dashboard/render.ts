/** Draws elements as they should be now, changing those that are there, so that focus and selection stay where they are. */

type Attribute = string | number | boolean | undefined;
type Listener = (event: Event) => void;

/** An element as it should be. */
export interface Spec {
  readonly tag: string;
  /** `on…` are listeners; undefined and false are left out. */
  readonly attributes: Readonly<Record<string, Attribute | Listener>>;
  readonly children: readonly Child[];
}
export type Child = Spec | string;

interface Drawn {
  attributes: Spec["attributes"];
  readonly heard: Set<string>;
}

const SVG = "http://www.w3.org/2000/svg";
const drawn = new WeakMap<Element, Drawn>();

/** `key` tells elements of one list apart when their order changes. */
export function h(
  tag: string,
  attributes: Spec["attributes"] = {},
  ...children: readonly (Child | readonly Child[] | undefined | false)[]
): Spec {
  const kept = children.flat().filter((child) => child !== undefined && child !== false);
  return { tag, attributes, children: kept as Child[] };
}

/** Makes the children of an element those of `wanted`. Text is only ever text. */
export function draw(parent: Element, wanted: readonly Child[]): void {
  const byKey = new Map<string, Element>();
  for (const child of parent.children) {
    const key = child.getAttribute("data-key");
    if (key !== null) byKey.set(key, child);
  }
  wanted.forEach((child, i) => {
    const here = parent.childNodes[i];
    if (typeof child === "string") drawText(parent, child, here);
    else drawElement(parent, child, { here, keyed: byKey.get(String(child.attributes["key"])) });
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild?.remove();
}

function drawText(parent: Element, text: string, here: ChildNode | undefined): void {
  if (here?.nodeType === Node.TEXT_NODE) {
    if (here.nodeValue !== text) here.nodeValue = text;
  } else parent.insertBefore(document.createTextNode(text), here ?? null);
}

function drawElement(
  parent: Element,
  spec: Spec,
  found: { readonly here: ChildNode | undefined; readonly keyed: Element | undefined },
): void {
  const { here, keyed } = found;
  const alike = here instanceof Element && isUnkeyedAlike(here, spec) ? here : undefined;
  const element =
    keyed ?? (spec.attributes["key"] === undefined ? alike : undefined) ?? make(parent, spec);
  if (element !== here) parent.insertBefore(element, here ?? null);
  setAttributes(element, spec.attributes);
  draw(element, spec.children);
}

function isUnkeyedAlike(element: Element, { tag }: Spec): boolean {
  return element.localName === tag && !element.hasAttribute("data-key");
}

function make(parent: Element, { tag }: Spec): Element {
  const svg =
    tag === "svg" || (parent.namespaceURI === SVG && parent.localName !== "foreignObject");
  return svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
}

function setAttributes(element: Element, attributes: Spec["attributes"]): void {
  const before = drawn.get(element) ?? { attributes: {}, heard: new Set<string>() };
  drawn.set(element, before);
  const old = before.attributes;
  before.attributes = attributes;
  for (const name of Object.keys(old)) if (!(name in attributes)) element.removeAttribute(name);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") hear(element, before, name.slice("on".length));
    else if (old[name] !== value) setAttribute(element, name === "key" ? "data-key" : name, value);
  }
}

function setAttribute(element: Element, name: string, value: Attribute): void {
  if (value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** One listener for each kind of event, which asks for the handler of now. */
function hear(element: Element, { heard }: Drawn, kind: string): void {
  if (heard.has(kind)) return;
  heard.add(kind);
  element.addEventListener(kind, (event) => {
    const listener = drawn.get(element)?.attributes[`on${kind}`];
    if (typeof listener === "function") listener(event);
  });
}
