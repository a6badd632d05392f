// From a change of the state, or of the address, to what is shown.

const SHOW = { walls: showWalls, pairs: showPairs, table: showTable };
let found = [];

function currentOrder() {
  return state.view === "walls" ? orderOfWalls(found) : state.view === "table" ? rows : found;
}

function render() {
  found = matching();
  for (const view of all("[data-view]")) hide(view, view.dataset.view !== state.view);
  SHOW[state.view](found);
  refreshTools(found);
}

function update() {
  render();
  writeAddress();
}

function follow() {
  if (!readAddress()) return;
  render();
  const place = cells.findIndex((cell) => cell.id === state.cell);
  if (state.cell && place >= 0) openViewer(place, true);
  else if (viewer.open) viewer.close();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-cell]");
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  openViewer(Number(link.dataset.cell));
});
window.addEventListener("popstate", follow); // a link to a part of the page or a changed address comes here too

tools.hidden = false;
readAddress();
render();
if (state.cell) follow();
