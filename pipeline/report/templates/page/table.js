// The table of all numbers. Its rows are made a hundred at a time, as they come into sight.

const CHUNK = 100;
const table = one("table.cells");
const more = one("button.more");
let rows = []; // places of the cells, sorted
let made = 0;

// A preset or setting that no cell has is no column.
const columns = [
  ...data.facets.map((facet, place) => ({ key: facet.key, label: facet.label, facet: place }))
    .filter(({ facet }) => data.facets[facet].values.length > 0),
  ...data.numbers.map((number, place) => ({ ...number, number: place })).filter((number) => number.table),
];
const numberColumns = columns.filter((column) => "number" in column);

function makeHead() {
  const heads = columns.map((column) => {
    const direction = { lower: " (lower is better)", higher: " (higher is better)" }[column.better] ?? "";
    const button = element("button", { type: "button", title: (column.meaning ?? "") + direction }, column.label);
    button.addEventListener("click", () => sortBy(column));
    const kind = "number" in column ? (column.kind === "measure" ? "number measure" : "number") : "text";
    return element("th", { scope: "col", className: kind, "data-key": column.key }, button);
  });
  one("thead tr", table).append(element("th", { scope: "col", className: "thumb", "aria-label": "Picture" }), ...heads);
}

// First one way, then the other, then as on the page.
function sortBy(column) {
  const first = column.better === "higher" ? `-${column.key}` : column.key;
  const second = first === column.key ? `-${column.key}` : column.key;
  state.sort = state.sort === first ? second : state.sort === second ? "" : first;
  update();
}

function sorted(found) {
  const descending = state.sort.startsWith("-");
  const column = columns.find(({ key }) => key === state.sort.slice(descending ? 1 : 0));
  if (!column) return found;
  const collator = new Intl.Collator("en", { numeric: true });
  const byNumber = "number" in column;
  const value = (place) => {
    const known = byNumber ? cells[place].numbers[column.number] : valueOf(cells[place], column.facet);
    return byNumber && typeof known !== "number" ? null : known;
  };
  const ranks = byNumber ? null : rank(data.facets[column.facet], column.key, collator);
  const keyed = found.map((place) => [place, byNumber ? value(place) : ranks.get(value(place)) ?? null]);
  const sign = descending ? -1 : 1;
  keyed.sort(([, a], [, b]) => (a === null || b === null ? (a === null) - (b === null) : sign * (a - b))); // unknown last
  return keyed.map(([place]) => place);
}

// Backbones and statuses keep the order of the page; other texts are ordered as people do, "10" after "9".
function rank(facet, key, collator) {
  const values = [...facet.values];
  if (key !== "backbone" && key !== "status") values.sort(collator.compare);
  return new Map(values.map((text, place) => [text, place]));
}

// A long reason without its middle: the viewer has it whole.
const shortened = (reason) => (reason.length <= 280 ? reason : `${reason.slice(0, 150)}…${reason.slice(-100)}`);

function makeRow(place) {
  const cell = cells[place];
  const link = element("a", { "data-cell": place, href: cell.picture || "#missing", "aria-label": `Open ${titleOf(cell)}` });
  link.append(isDone(cell) ? element("img", { loading: "lazy", decoding: "async", src: cell.thumbnail, alt: "" }) : "–");
  const row = element("tr", {}, element("td", { className: "thumb" }, link));
  for (const column of columns.filter((column) => "facet" in column)) {
    const text = valueOf(cell, column.facet);
    const head = column.facet === 0;
    const kind = column.facet === STATUS ? text : text.length > 24 ? "text long" : "text";
    row.append(element(head ? "th" : "td", { ...(head && { scope: "row" }), className: kind }, name(text)));
  }
  if (isDone(cell)) {
    for (const column of numberColumns) row.append(element("td", { className: "number" }, written(cell, column.number)));
  } else {
    row.append(element("td", { className: "reason", colSpan: numberColumns.length }, shortened(cell.reason ?? "")));
  }
  return row;
}

function addRows() {
  const next = rows.slice(made, made + CHUNK);
  one("tbody", table).append(...next.map(makeRow));
  made += next.length;
  const left = rows.length - made;
  more.hidden = left === 0;
  more.textContent = `Show ${Math.min(CHUNK, left)} more of ${left.toLocaleString("en")}`;
}

function showTable(found) {
  rows = sorted(found);
  made = 0;
  one("tbody", table).replaceChildren();
  addRows();
  for (const head of all("thead th[data-key]", table)) {
    const direction = { [head.dataset.key]: "ascending", [`-${head.dataset.key}`]: "descending" }[state.sort];
    if (direction) head.setAttribute("aria-sort", direction);
    else head.removeAttribute("aria-sort");
  }
}

makeHead();
more.addEventListener("click", addRows);
new IntersectionObserver((entries) => entries[0].isIntersecting && addRows(), { rootMargin: "800px 0px" }).observe(more);
