// Elements, made without markup in strings: nothing that a document holds can become a tag.

const SVG = "http://www.w3.org/2000/svg";

export const find = (id) => document.getElementById(id);

function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) node.removeAttribute(name);
    else node.setAttribute(name, value === true ? "" : value);
  }
  return node;
}

export function make(tag, attributes, ...children) {
  const node = set(document.createElement(tag), attributes);
  node.append(...children);
  return node;
}

export function draw(tag, attributes, ...children) {
  const node = set(document.createElementNS(SVG, tag), attributes);
  node.append(...children);
  return node;
}

export const change = set;

export const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** At most so many characters; cut between words where that loses little. */
export function shorten(text, length) {
  const line = text.replace(/\s+/g, " ").trim();
  if (line.length <= length) return line;
  const cut = line.slice(0, Math.max(1, length - 1));
  const space = cut.lastIndexOf(" ");
  return (space > length * 0.7 ? cut.slice(0, space) : cut) + "\u2026";
}

export const count = (value) => value.toLocaleString("en");

export const plural = (value, one, many = one + "s") => `${count(value)} ${value === 1 ? one : many}`;

export const share = (part, whole) => (whole ? `${Math.round((100 * part) / whole)} %` : "0 %");

/** Milliseconds, as people say them. */
export function time(ms) {
  if (ms === null || ms === undefined) return "not known";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`;
}
