// Sorting of tables by their headers. Without this script the pages show everything, in the board's order.
"use strict";

suite.sorting = {
  keyOf(row, column) {
    const cell = row.cells[column];
    return cell.dataset.sort === undefined ? cell.textContent.trim() : cell.dataset.sort;
  },

  compare(kind, direction, column) {
    return (a, b) => {
      const x = this.keyOf(a, column), y = this.keyOf(b, column);
      if (x === "" || y === "") return (x === "") - (y === "");  // what is missing stays last
      const order = kind === "number" ? Number(x) - Number(y) : x < y ? -1 : x > y ? 1 : 0;
      return direction === "descending" ? -order : order;
    };
  },

  // Cells that span both rows of a head come first, as the rank and the name do.
  columnOf(header, table) {
    if (table.tHead.rows.length === 1 || header.rowSpan === 2) return header.cellIndex;
    return [...table.tHead.rows[0].cells].filter((cell) => cell.rowSpan === 2).length + header.cellIndex;
  },

  first(header) {
    return header.dataset.sort === "number" && !header.classList.contains("rank") ? "descending" : "ascending";
  },

  // Sort a table by a header; "none" gives the board's order back.
  apply(table, header, direction) {
    for (const other of table.tHead.querySelectorAll("th[data-sort]")) other.setAttribute("aria-sort", "none");
    const rows = [...table.suiteRows];
    if (header && direction !== "none") {
      header.setAttribute("aria-sort", direction);
      rows.sort(this.compare(header.dataset.sort, direction, this.columnOf(header, table)));
    }
    table.tBodies[0].append(...rows);
  },

  prepare(table, chosen) {
    table.suiteRows = [...table.tBodies[0].rows];
    for (const header of table.tHead.querySelectorAll("th[data-sort]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      header.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const now = header.getAttribute("aria-sort"), first = this.first(header);
        const second = first === "ascending" ? "descending" : "ascending";
        chosen(header, now === "none" ? first : now === first ? second : "none");
      });
    }
  },
};

for (const table of document.querySelectorAll("table[data-table]")) {
  suite.sorting.prepare(table, (header, direction) => {
    if (suite.board) suite.board.sort(header.dataset.key, direction);
    else suite.sorting.apply(table, header, direction);
  });
}
