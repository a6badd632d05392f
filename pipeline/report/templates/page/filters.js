// The controls above the pictures: views, search, a menu of check boxes per facet, bounds for numbers.

const tools = one(".tools");
const search = one(".search");
const menus = [];

function menu(label, content) {
  const summary = element("summary", {}, label);
  const made = element("details", { className: "facet" }, summary, content);
  made.addEventListener("toggle", () => {
    if (!made.open) return;
    for (const other of menus) if (other !== made) other.open = false;
    content.classList.remove("flipped");
    content.classList.toggle("flipped", content.getBoundingClientRect().right > document.documentElement.clientWidth);
  });
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !made.open) return;
    made.open = false;
    summary.focus();
  });
  menus.push(made);
  one(".facets").append(made);
  return made;
}

function makeFacet(facet, place) {
  if (facet.values.length < 2) return;
  const counts = facet.values.map(() => 0);
  for (const cell of cells) if (cell.facets[place] >= 0) counts[cell.facets[place]] += 1;
  const boxes = facet.values.map((text, value) => {
    const box = element("input", { type: "checkbox", value });
    box.addEventListener("change", () => {
      if (box.checked) state.facets[place].add(value);
      else state.facets[place].delete(value);
      update();
    });
    return element("label", {}, box, name(text), element("span", { className: "soft" }, String(counts[value])));
  });
  const content = element("div", { className: "menu", role: "group", "aria-label": facet.label }, ...boxes);
  const made = menu(facet.label, content);
  made.refresh = () => {
    made.classList.toggle("set", state.facets[place].size > 0);
    boxes.forEach((label, value) => { label.firstChild.checked = state.facets[place].has(value); });
  };
}

function makeRanges() {
  const content = element("div", { className: "menu ranges", role: "group", "aria-label": "Numbers" });
  content.append(element("span"), element("span", { className: "soft" }, "at least"), element("span", { className: "soft" }, "at most"));
  const inputs = numberColumns.map((column) => {
    const unit = { percent: ", %", seconds: ", s" }[column.kind] ?? "";
    const bounds = ["at least", "at most"].map((bound) =>
      element("input", { type: "number", step: "any", inputMode: "decimal", "aria-label": `${column.label}${unit} ${bound}` }));
    for (const input of bounds) {
      input.addEventListener("input", () => {
        setRange(column.number, ...bounds.map((bound) => bound.value));
        update();
      });
    }
    content.append(element("span", { title: column.meaning }, column.label + unit), ...bounds);
    return [column.number, bounds];
  });
  const made = menu("Numbers", content);
  made.refresh = () => {
    made.classList.toggle("set", state.ranges.size > 0);
    for (const [number, bounds] of inputs) {
      bounds.forEach((input, side) => {
        const wanted = state.ranges.get(number)?.[side] ?? "";
        if (input !== document.activeElement && input.value !== wanted) input.value = wanted;
      });
    }
  };
}

function chip(remove, ...parts) {
  const made = element("button", { type: "button" }, ...parts, " ✕");
  made.addEventListener("click", () => {
    remove();
    update();
    (one(".chips button") ?? search).focus();
  });
  return made;
}

function chips() {
  const made = [];
  state.facets.forEach((values, place) => {
    for (const value of values) {
      const { label, values: texts } = data.facets[place];
      made.push(chip(() => values.delete(value), `${label}: `, name(texts[value])));
    }
  });
  for (const [number, [least, most]] of state.ranges) {
    const text = [least, most].map((bound) => bound || "…").join(" to ");
    made.push(chip(() => state.ranges.delete(number), `${data.numbers[number].label}: `, name(text)));
  }
  if (made.length > 1) made.push(chip(resetFilters, "Clear all"));
  return made;
}

function refreshTools(found) {
  if (search !== document.activeElement || !state.q) search.value = state.q;
  for (const made of menus) made.refresh();
  for (const button of all("[data-show]", tools)) button.setAttribute("aria-pressed", button.dataset.show === state.view);
  one(".chips").replaceChildren(...chips());
  const total = cells.length.toLocaleString("en");
  const noun = cells.length === 1 ? "cell" : "cells";
  one(".count").textContent = isFiltered() ? `${found.length.toLocaleString("en")} of ${total} ${noun}` : `${total} ${noun}`;
  one(".empty").hidden = found.length > 0 || cells.length === 0;
}

data.facets.forEach(makeFacet);
makeRanges();
search.addEventListener("input", () => {
  state.q = search.value;
  update();
});
for (const button of all("[data-show]", tools)) {
  button.addEventListener("click", () => {
    state.view = button.dataset.show;
    update();
  });
}
one(".reset").addEventListener("click", () => {
  resetFilters();
  update();
  search.focus();
});
document.addEventListener("click", (event) => {
  for (const made of menus) if (made.open && !made.contains(event.target)) made.open = false;
});
