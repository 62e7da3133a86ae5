// Sorting, filtering and folding of tables. Without this script the pages show everything, in the board's order.
"use strict";

function keyOf(row, column) {
  const cell = row.cells[column];
  return cell.dataset.sort === undefined ? cell.textContent.trim() : cell.dataset.sort;
}

function compare(kind, direction, column) {
  return (a, b) => {
    const x = keyOf(a, column), y = keyOf(b, column);
    if (x === "" || y === "") return (x === "") - (y === "");  // what is missing stays last
    const order = kind === "number" ? Number(x) - Number(y) : x < y ? -1 : x > y ? 1 : 0;
    return direction === "descending" ? -order : order;
  };
}

function columnOf(header, table) {
  const spanning = [...table.tHead.rows[0].cells].filter((cell) => cell.rowSpan === 2);
  if (table.tHead.rows.length === 1 || header.rowSpan === 2) return header.cellIndex;
  return spanning.length + header.cellIndex;
}

function sortable(table) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const headers = [...table.tHead.querySelectorAll("th[data-sort]")];
  for (const header of headers) {
    const kind = header.dataset.sort;
    const first = kind === "number" && !header.classList.contains("rank") ? "descending" : "ascending";
    const second = first === "ascending" ? "descending" : "ascending";
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    header.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const now = header.getAttribute("aria-sort");
      const next = now === "none" ? first : now === first ? second : "none";
      for (const other of headers) other.setAttribute("aria-sort", "none");
      header.setAttribute("aria-sort", next);
      const rows = [...original];
      if (next !== "none") rows.sort(compare(kind, next, columnOf(header, table)));
      body.append(...rows);
    });
  }
}

function foldable(table, tools) {
  if (!table.querySelector(".extra")) return;
  const button = document.createElement("button");
  button.type = "button";
  const show = (open) => {
    table.classList.toggle("compact", !open);
    button.setAttribute("aria-expanded", String(open));
    button.setAttribute("aria-controls", table.id);
    button.textContent = open ? "Hide per-task scores" : "Show per-task scores";
  };
  button.addEventListener("click", () => show(button.getAttribute("aria-expanded") !== "true"));
  show(false);
  tools.append(button);
}

function filterable(table, tools) {
  if (table.tBodies[0].rows.length < 8) return;
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.type = "search";
  input.size = 18;
  label.append("Filter rows ", input);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of table.tBodies[0].rows) {
      const text = row.querySelector("th").textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
  tools.append(label);
}

for (const table of document.querySelectorAll("table[data-table]")) {
  sortable(table);
  const box = table.closest(".board");
  if (!box) continue;
  const tools = document.createElement("div");
  tools.className = "tools";
  foldable(table, tools);
  filterable(table, tools);
  if (tools.childNodes.length) box.before(tools);
}
