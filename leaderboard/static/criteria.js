// Other orders of a track's rows than the board's: by Pareto fronts, or by a weighted sum of gained and kept.
// Only rows that learned enough are ordered; the others stay below. These ranks have no intervals.
"use strict";

suite.criteria = (() => {
  const point = (row) => [row.dataset.gain, row.dataset.kept].map((value) => value ? Number(value) : NaN);
  const ranked = (row) => !row.matches(".control, .unlearned") && point(row).every(Number.isFinite);

  // One row is ahead of another if it is as good in both values and better in one.
  const ahead = ([gain, kept], [otherGain, otherKept]) =>
    gain >= otherGain && kept >= otherKept && (gain > otherGain || kept > otherKept);

  // Row -> 1 for the front, 2 for the front of the rest, and so on.
  function fronts(rows) {
    const numbers = new Map();
    let left = rows.map((row) => [row, point(row)]);
    for (let number = 1; left.length; number += 1) {
      const front = left.filter(([, own]) => !left.some(([, other]) => ahead(other, own)));
      for (const [row] of front) numbers.set(row, number);
      left = left.filter(([row]) => !numbers.has(row));
    }
    return numbers;
  }

  // Row -> its place by `share` of the gain and the rest of what is kept; equal sums share a place.
  function places(rows, share) {
    const sums = new Map(rows.map((row) => [row, share * point(row)[0] + (1 - share) * point(row)[1]]));
    return new Map(rows.map((row) => [row, 1 + rows.filter((other) => sums.get(other) > sums.get(row)).length]));
  }

  function restore(row) {
    const cell = row.cells[0];
    row.suiteRank ??= {text: cell.textContent, sort: cell.dataset.sort, title: cell.title};
    cell.textContent = row.suiteRank.text;
    cell.dataset.sort = row.suiteRank.sort;
    cell.title = row.suiteRank.title;
  }

  return {
    // Order the rows of a table; `criterion`: "" (the board's order), "front" or "weighted".
    apply(table, criterion, share) {
      table.suiteOrder ??= [];
      table.suiteOrder.push(...table.suiteRows.filter((row) => !table.suiteOrder.includes(row)));
      table.suiteRows = [...table.suiteOrder];
      table.suiteRows.forEach(restore);
      if (!criterion) return;
      const rows = table.suiteRows.filter(ranked);
      const numbers = criterion === "front" ? fronts(rows) : places(rows, share);
      const place = (row) => row.matches(".control") ? 0 : numbers.get(row) ?? Infinity;
      table.suiteRows.sort((a, b) => {
        const [one, other] = [place(a), place(b)];
        if (one !== other) return one < other ? -1 : 1;
        return numbers.has(a) ? point(b)[0] - point(a)[0] : 0;
      });
      const what = criterion === "front" ? "Pareto front" : "place by the weighted sum";
      for (const [row, number] of numbers) {
        Object.assign(row.cells[0], {textContent: String(number), title: `${what} ${number}, without an interval`});
        row.cells[0].dataset.sort = String(number);
      }
      for (const row of table.suiteRows) {
        if (!numbers.has(row) && !row.matches(".control")) {
          Object.assign(row.cells[0], {textContent: "–", title: "not ordered: it learned too little, or a value is missing"});
          row.cells[0].dataset.sort = "";
        }
      }
    },
  };
})();
