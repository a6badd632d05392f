// The walls of pictures are in the page already; filters hide what does not match, and rows and columns left empty.

const walls = all(".wall").map((wall) => ({
  element: wall,
  series: wall.closest(".series"),
  headings: all(".styles > .name", wall).slice(1),
  rows: all(".row:not(.styles)", wall).map((row) => ({
    element: row,
    slots: all(".slot", row).map((slot) => ({
      element: slot,
      links: all("[data-cell]", slot).map((link) => [link, Number(link.dataset.cell)]),
    })),
  })),
}));

function hide(shown, hidden) {
  if (shown.hidden !== hidden) shown.hidden = hidden;
}

function showWalls(found) {
  const matches = new Set(found);
  for (const wall of walls) {
    const columns = wall.headings.map(() => false);
    for (const row of wall.rows) {
      row.any = false;
      row.slots.forEach((slot, column) => {
        for (const [link, place] of slot.links) {
          const matched = matches.has(place);
          if (link.classList.contains("out") === matched) link.classList.toggle("out", !matched);
          if (matched) row.any = columns[column] = true;
        }
      });
    }
    for (const row of wall.rows) {
      hide(row.element, !row.any);
      if (row.any) row.slots.forEach((slot, column) => hide(slot.element, !columns[column]));
    }
    wall.headings.forEach((heading, column) => hide(heading, !columns[column]));
    const count = columns.filter(Boolean).length;
    wall.element.style.setProperty("--columns", count);
    hide(wall.series, count === 0);
  }
}

function orderOfWalls(found) {
  const matches = new Set(found);
  return walls.flatMap((wall) => wall.rows.flatMap((row) => row.slots.flatMap((slot) =>
    slot.links.map(([, place]) => place).filter((place) => matches.has(place)))));
}
