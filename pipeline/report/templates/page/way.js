// What a cell had reached on the way: the frames of its strip, one file that is loaded when the first of them is asked for.

const way = one(".way", viewer);
const waySlider = one("input", way);
const moment = one(".moment", viewer);
const sheet = one("image", moment);
let strip = null; // of the cell that is shown, with its layout; null without one
let sheetState = ""; // of the file: "" before it is asked for, then "loading", "loaded" or "lost"

// The last frame is the result, which is there in full.
const lastFrame = () => strip.losses.length - 1;

function frameText(frame) {
  const [size, iteration] = strip.layout.moments[frame];
  const [lastSize, last] = strip.layout.moments[lastFrame()];
  const where = size === lastSize ? `iteration ${iteration} of ${last}` : `at ${size} px, iteration ${iteration}`;
  const loss = strip.losses[frame];
  return `${where}, loss ${typeof loss === "number" ? WRITTEN.number(loss) : loss ?? "not known"}`;
}

// A frame is the part of the file that the inner of two pictures shows; the outer one fits it into the stage.
function placeFrame(frame) {
  const { height, width, columns, tile_height, tile_width, moments } = strip.layout;
  const [x, y] = [(frame % columns) * tile_width, Math.floor(frame / columns) * tile_height];
  const values = { width, height, viewBox: `${x} ${y} ${width} ${height}` };
  for (const [key, value] of Object.entries(values)) one("svg", moment).setAttribute(key, value);
  moment.setAttribute("viewBox", `0 0 ${width} ${height}`);
  sheet.setAttribute("width", columns * tile_width);
  sheet.setAttribute("height", Math.ceil(moments.length / columns) * tile_height);
  if (sheetState) return;
  sheetState = "loading";
  sheet.setAttribute("href", strip.file);
}

function showFrame() {
  const frame = strip ? Number(waySlider.value) : 0;
  const isOnTheWay = strip !== null && frame !== lastFrame();
  if (isOnTheWay) placeFrame(frame);
  const isShown = isOnTheWay && sheetState === "loaded"; // until then the result stays, and is called so
  moment.toggleAttribute("hidden", !isOnTheWay);
  one(".after", viewer).classList.toggle("covered", isShown);
  one(".tag.right", viewer).textContent = isShown ? "on the way" : "result";
  if (!strip) return;
  const text = isOnTheWay && sheetState === "lost" ? `${strip.file} cannot be loaded` : frameText(frame);
  one("output", way).textContent = text;
  waySlider.setAttribute("aria-valuetext", text);
  moment.setAttribute("aria-label", `${titleOf(cells[current])}, ${text}`);
}

function showWay(cell) {
  strip = isDone(cell) && cell.strip ? { ...cell.strip, layout: data.strips[cell.strip.layout] } : null;
  way.hidden = !strip;
  sheetState = "";
  sheet.removeAttribute("href");
  if (strip) waySlider.max = waySlider.value = lastFrame();
  showFrame();
}

function sheetIs(found) {
  if (sheetState !== "loading") return;
  sheetState = found;
  showFrame();
}

sheet.addEventListener("load", () => sheetIs("loaded"));
sheet.addEventListener("error", () => sheetIs("lost"));
waySlider.addEventListener("input", showFrame);
