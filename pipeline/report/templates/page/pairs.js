// One pair of pictures across all series. The headings and plots are in the page; the pictures are put there once a
// pair comes into sight, because the same pictures are on the walls too.

const pairs = all(".pair").map((section) => {
  const content = Number(section.dataset.content);
  const style = Number(section.dataset.style);
  return { section, content, style, strip: one(".strip", section), stale: true, inSight: false, matches: [] };
});
const pairOf = new Map(pairs.map((pair) => [`${pair.content} ${pair.style}`, pair]));

const pairWatcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const pair = entry.target.pair;
    pair.inSight = entry.isIntersecting;
    fillPair(pair);
  }
}, { rootMargin: "600px 0px" });

for (const pair of pairs) {
  pair.section.pair = pair;
  pairWatcher.observe(pair.section);
  linkToPair(pair);
}

// The address of one pair alone, across all series.
function pairAddress(content, style) {
  const facets = data.facets.map((_, place) => new Set(place === 0 ? [content] : place === 1 ? [style] : []));
  return address({ view: "pairs", q: "", facets, ranges: new Map(), sort: "", cell: "" });
}

function linkToPair(pair) {
  if (pair.content < 0 || pair.style < 0) return;
  const heading = one("h3", pair.section);
  const link = element("a", { href: pairAddress(pair.content, pair.style) });
  link.append(...heading.childNodes);
  heading.append(link);
}

// What a cell was made from. One without a result shows what the others know of its pictures.
function originals(cell) {
  const kinds = [["content", 0, contentOf(cell)], ["style", 1, styleOf(cell)]];
  const known = (kind, facet) =>
    (cell[kind] >= 0 ? cell : cells.find((other) => other[kind] >= 0 && other.facets[facet] === cell.facets[facet]))?.[kind];
  const shown = kinds.map(([kind, facet, label]) => original(known(kind, facet) ?? -1, kind, label));
  return element("div", { className: "originals" }, ...shown);
}

function original(place, kind, label) {
  if (place < 0) return null;
  const [picture, thumbnail] = data.originals[place];
  const image = element("img", { loading: "lazy", decoding: "async", src: thumbnail, alt: `${kind} picture ${label}` });
  return element("a", { className: "original", href: picture }, image, element("span", {}, kind));
}

function fillPair(pair) {
  if (!pair.stale || !pair.inSight) return;
  pair.stale = false;
  const tiles = pair.matches.map((place) => tile(place, [name(seriesOf(cells[place])), captionOf(cells[place])]));
  const shown = pair.matches.length ? [originals(cells[pair.matches[0]])] : [];
  pair.strip.replaceChildren(...shown, element("div", { className: "results" }, ...tiles));
}

const RELATIVE = data.numbers.findIndex((number) => number.key === "relative");
const TIME = data.numbers.findIndex((number) => number.key === "time");
const captionOf = (cell) => (isDone(cell) ? `${written(cell, RELATIVE)} · ${written(cell, TIME)}` : "");

function showPairs(found) {
  for (const pair of pairs) pair.matches = [];
  for (const place of found) {
    const [content, style] = cells[place].facets;
    pairOf.get(`${content} ${style}`).matches.push(place);
  }
  const shown = new Set(pairs.filter((pair) => pair.matches.length || (!isFiltered() && one(".figures", pair.section))));
  for (const pair of pairs) {
    pair.stale = true;
    hide(pair.section, !shown.has(pair));
    fillPair(pair);
  }
  const plots = shown.size === 1 ? one(".figures", [...shown][0].section) : null;
  if (plots) plots.open = true;
}
