// What is shown, which the address holds after its #, so that a view can be shared: view, q (search), a key per facet
// (repeated for several values), a key per number as "least..most", sort ("-" in front: largest first), cell.

const VIEWS = ["walls", "pairs", "table"];
const state = { view: "walls", q: "", facets: data.facets.map(() => new Set()), ranges: new Map(), sort: "", cell: "" };
const scaleOf = (number) => (data.numbers[number].kind === "percent" ? 100 : 1);

function readAddress() {
  const text = location.hash.slice(1);
  if (text && !text.includes("=")) return false; // a section of the page
  const asked = new URLSearchParams(text);
  state.view = VIEWS.includes(asked.get("view")) ? asked.get("view") : "walls";
  state.q = asked.get("q") ?? "";
  state.sort = asked.get("sort") ?? "";
  state.cell = asked.get("cell") ?? "";
  data.facets.forEach((facet, place) => {
    const values = asked.getAll(facet.key).map((value) => facet.values.indexOf(value));
    state.facets[place] = new Set(values.filter((value) => value >= 0));
  });
  state.ranges.clear();
  data.numbers.forEach((number, place) => setRange(place, ...(asked.get(number.key) ?? "").split("..")));
  return true;
}

// Bounds as a person writes them: percentages as percentages, "" for none.
function setRange(number, least = "", most = "") {
  const bound = (text) => (text.trim() === "" || Number.isNaN(Number(text)) ? "" : text.trim());
  if (bound(least) === "" && bound(most) === "") state.ranges.delete(number);
  else state.ranges.set(number, [bound(least), bound(most)]);
}

function address(changes = {}) {
  const shown = { ...state, ...changes };
  const text = new URLSearchParams();
  if (shown.view !== "walls") text.set("view", shown.view);
  if (shown.q.trim()) text.set("q", shown.q.trim());
  data.facets.forEach((facet, place) => {
    for (const value of shown.facets[place]) text.append(facet.key, facet.values[value]);
  });
  for (const [number, bounds] of shown.ranges) text.set(data.numbers[number].key, bounds.join(".."));
  if (shown.sort) text.set("sort", shown.sort);
  if (shown.cell) text.set("cell", shown.cell);
  return `#${text}`;
}

// Browsers allow some 200 changes of the address in 30 seconds, and a person types and drags faster.
let addressTimer = 0;
function writeAddress(how = "replace") {
  clearTimeout(addressTimer);
  if (how === "push") {
    history.replaceState(history.state, "", address({ cell: "" })); // what "back" returns to, whatever was still waiting
    history.pushState({ pushed: true }, "", address());
  } else addressTimer = setTimeout(() => history.replaceState(history.state, "", address()), 150);
}

const searched = cells.map((cell) =>
  [...data.facets.map((_, place) => valueOf(cell, place)), seriesOf(cell), cell.reason, cell.note]
    .filter(Boolean).join("\n").toLowerCase());

// Of a digest only the start, since any single letter is somewhere in one.
const startsDigest = (cell, word) => word.length >= 6 && (cell.digest ?? "").startsWith(word);

function inRange(cell) {
  for (const [number, [least, most]] of state.ranges) {
    const value = cell.numbers[number];
    if (typeof value !== "number") return false;
    if (least !== "" && value * scaleOf(number) < Number(least)) return false;
    if (most !== "" && value * scaleOf(number) > Number(most)) return false;
  }
  return true;
}

// The places of the cells that match, in the order of the page.
function matching() {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = state.facets.map((values, place) => [place, values]).filter(([, values]) => values.size);
  const found = [];
  cells.forEach((cell, place) => {
    if (chosen.every(([facet, values]) => values.has(cell.facets[facet])) && inRange(cell)
      && words.every((word) => searched[place].includes(word) || startsDigest(cell, word))) found.push(place);
  });
  return found;
}

const isFiltered = () => state.q.trim() !== "" || state.ranges.size > 0 || state.facets.some((values) => values.size);
function resetFilters() {
  state.q = "";
  state.facets.forEach((values) => values.clear());
  state.ranges.clear();
}
