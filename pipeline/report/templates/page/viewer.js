// One cell as large as the window: before and after, and everything that is known of it.

const viewer = one("dialog.viewer");
const frame = one(".frame", viewer);
const split = one(".split", viewer);
let order = []; // places of the cells in the order of the view from which one was opened
let current = -1;

function facts(title, entries) {
  const list = element("dl");
  for (const [label, value, meaning] of entries) list.append(element("dt", { title: meaning ?? "" }, label), element("dd", {}, value));
  return entries.length ? [element("h3", {}, title), list] : [];
}

function folded(title, entries) {
  if (!entries || !entries.length) return null;
  const [, list] = facts(title, entries.map(([label, value]) => [label, name(value)]));
  return element("details", {}, element("summary", {}, title), list);
}

const ARROWS = { lower: " ↓", higher: " ↑" };
function numbersOf(cell, isMeasure) {
  return data.numbers.map((number, place) => [number, place])
    .filter(([number, place]) => (number.kind === "measure") === isMeasure && cell.numbers[place] !== null)
    .map(([number, place]) => {
      const direction = number.better ? ` (${number.better} is better)` : "";
      return [number.label + (ARROWS[number.better] ?? ""), written(cell, place), number.meaning + direction];
    });
}

function links(cell) {
  const compare = element("a", { href: pairAddress(cell.facets[0], cell.facets[1]) }, "This pair, every backbone");
  const open = isDone(cell) ? element("a", { href: cell.picture, target: "_blank", rel: "noopener" }, "Open the picture") : null;
  return element("div", { className: "links" }, open, compare);
}

function panel(cell) {
  const set = data.facets.map((facet, place) => [facet.label, valueOf(cell, place)]).filter(([, value], place) => value && place > 1);
  const made = [
    element("p", { className: "series-label" }, name(seriesOf(cell))),
    cell.note ? element("p", { className: cell.doubt ? "wary" : "soft" }, cell.note) : null,
    originals(cell),
    links(cell),
    ...facts("Measures", numbersOf(cell, true)),
    cell.unmeasured ? element("p", { className: "soft" }, `Not measured: ${cell.unmeasured}`) : null,
    ...facts("Numbers", numbersOf(cell, false)),
    ...facts("Cell", [...set, ["Finished", cell.finished], ["Taken up at", cell.resumed], ["Digest", cell.digest]].filter(([, value]) => value)
      .map(([label, value]) => [label, name(value)])),
    folded("Settings", data.settings[cell.settings]),
    folded("Weights", data.weights[cell.weights]),
    folded("Ran with", data.environments[cell.environments]),
  ];
  one(".facts", viewer).replaceChildren(...made.filter(Boolean));
}

function setSplit() {
  frame.style.setProperty("--split", `${split.value}%`);
  split.setAttribute("aria-valuetext", `${split.value} % content, ${100 - split.value} % result`);
  one(".tag.left", viewer).hidden = split.hidden || split.value < 20;
  one(".tag.right", viewer).hidden = split.hidden || split.value > 80;
}

// The small picture, which is there already, stands in until the full one has come.
function load(image, picture, thumbnail, label) {
  image.style.backgroundImage = `url("${thumbnail}")`;
  if (image.getAttribute("src") !== picture) image.src = picture;
  image.alt = label;
}

function show(place) {
  const cell = cells[place];
  current = place;
  state.cell = cell.id;
  const before = isDone(cell) && cell.content >= 0 ? data.originals[cell.content] : null;
  viewer.style.setProperty("--ratio", cell.ratio);
  const [after, under] = [one(".after", viewer), one(".before", viewer)];
  after.hidden = !isDone(cell);
  if (isDone(cell)) load(after, cell.picture, cell.thumbnail, titleOf(cell));
  for (const shown of [under, split, one(".handle", viewer)]) shown.hidden = !before;
  if (before) load(under, ...before, `Content picture ${contentOf(cell)}`);
  one(".verdict", frame).hidden = isDone(cell);
  if (!isDone(cell)) one(".verdict", frame).replaceChildren(lost(cell));
  one("#viewer-title").replaceChildren(name(contentOf(cell)), element("span", {}, " in the style of "), name(styleOf(cell)));
  const at = order.indexOf(place);
  one(".position", viewer).textContent = at < 0 ? "" : `${at + 1} of ${order.length}`;
  for (const button of all(".previous, .next", viewer)) button.disabled = order.length < 2;
  setSplit();
  showWay(cell);
  panel(cell);
  one(".panel", viewer).scrollTop = 0;
}

function turn(step) {
  if (order.length < 2) return;
  const at = order.indexOf(current);
  show(order[(Math.max(at, 0) + step + order.length) % order.length]);
  writeAddress();
}

// From a picture of the page (an entry of the history of its own, so that "back" closes it), or from the address.
function openViewer(place, fromAddress = false) {
  order = currentOrder();
  show(place);
  if (!viewer.open) viewer.showModal();
  one(".stage", viewer).focus();
  if (!fromAddress) writeAddress("push");
}

// The picture that was last looked at has the focus afterwards, wherever the arrows led.
viewer.addEventListener("close", () => {
  const wasPushed = history.state?.pushed && state.cell !== "";
  state.cell = "";
  const link = all(`[data-cell="${current}"]`).find((shown) => shown.checkVisibility({ visibilityProperty: true }));
  link?.focus();
  if (wasPushed) {
    clearTimeout(addressTimer);
    history.back();
  } else {
    writeAddress();
  }
});

viewer.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step || event.target.type === "range" || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  turn(step);
});
one(".previous", viewer).addEventListener("click", () => turn(-1));
one(".next", viewer).addEventListener("click", () => turn(1));
one(".close", viewer).addEventListener("click", () => viewer.close());
split.value = 25;
split.addEventListener("input", setSplit);
viewer.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href^="#"]');
  if (!link) return;
  event.preventDefault(); // the address of the pair replaces that of the cell
  history.replaceState(null, "", link.getAttribute("href"));
  state.cell = "";
  viewer.close();
  follow();
  one("#grid").focus();
});
