"use strict";
// What the page knows, and how it is written. Names reach the document as text nodes and properties only, never as HTML.

const data = JSON.parse(document.getElementById("data").textContent);
const cells = data.cells;
const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// An element with properties (class, data-… and aria-… as attributes) and children; null children are left out.
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made && name !== "list") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// A name, whichever way it is written, that leaves the text around it alone.
const name = (text) => element("bdi", {}, text);

// What a cell is called in a facet; "" where the facet says nothing of it.
function valueOf(cell, facet) {
  const place = cell.facets[facet];
  return place < 0 ? "" : data.facets[facet].values[place];
}
const facetPlace = (key) => data.facets.findIndex((facet) => facet.key === key);
const STATUS = facetPlace("status");
const contentOf = (cell) => valueOf(cell, 0);
const styleOf = (cell) => valueOf(cell, 1);
const seriesOf = (cell) => data.series[cell.series];
const isDone = (cell) => valueOf(cell, STATUS) === "done" && cell.picture !== "";
const titleOf = (cell) => `${contentOf(cell)} in the style of ${styleOf(cell)}, ${seriesOf(cell)}`;

// Four digits of a loss, two decimals of a percentage, three of a measure: columns of one kind line up.
const WRITTEN = {
  number(value) {
    const plain = value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6);
    return plain ? String(Number(value.toPrecision(4))) : value.toExponential(3).replace("e+", "e");
  },
  percent: (value) => `${(100 * value).toFixed(2)} %`,
  measure: (value) => value.toFixed(3),
  count: (value) => Math.round(value).toLocaleString("en"),
  seconds(value) {
    if (value < 1) return `${Math.round(1000 * value)} ms`;
    if (value < 60) return `${value.toFixed(1)} s`;
    const minutes = Math.round(value / 60);
    return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  },
};
function written(cell, number) {
  const value = cell.numbers[number];
  if (value === null) return "–";
  return typeof value === "number" ? WRITTEN[data.numbers[number].kind](value) : value; // "nan", "inf"
}

// A result as the walls and strips show it: the small picture, or why there is none.
function tile(place, caption) {
  const cell = cells[place];
  const link = element("a", { className: "cell", "data-cell": place, href: cell.picture || "#missing" });
  link.style.setProperty("--ratio", cell.ratio);
  if (isDone(cell)) {
    link.append(element("img", { loading: "lazy", decoding: "async", src: cell.thumbnail, alt: titleOf(cell) }));
  } else {
    link.classList.add("lost");
    link.append(lost(cell));
  }
  if (caption) link.append(element("span", { className: "caption" }, ...caption));
  return link;
}

function lost(cell) {
  const status = valueOf(cell, STATUS);
  const reason = cell.reason || "no reason was recorded";
  return element("span", { className: "why" }, element("strong", { className: status }, status), ` ${reason}`);
}
