// The rows of a long table that its page does not hold, made as its template makes the others.
"use strict";

suite.rows = (() => {
  const {make, draw, visible} = suite;

  function whisker([at, low, high, zero]) {
    const parts = [draw("path", {class: "rail", d: "M2 4H62"})];
    if (zero !== null) parts.push(draw("path", {class: "zero", d: `M${zero} 1V7`}));
    if (low !== null) parts.push(draw("path", {class: "span", d: `M${low} 4H${high}`}));
    parts.push(draw("circle", {cx: at, cy: "4", r: "2.2"}));
    return draw("svg", {class: "whisker", viewBox: "0 0 64 8", "aria-hidden": "true"}, ...parts);
  }

  const notes = (listed, kind) => (listed || []).flatMap(([text, title, warning]) =>
    [make("span", {class: kind + (warning ? " warning" : ""), title: title ? visible(title) : null}, visible(text)), " "]);

  const initials = (over) => over.split(" ").filter((word) => word !== "and").map((word) => word[0]).join("");

  const aloud = (text) => make("span", {class: "sr"}, text);

  function cell([text, sort, title, margin, over, drawn, noted, verdict], plain) {
    const told = title ? visible(title) : null;
    const value = plain ? make("span", {class: "value"}, text, text === "–" && told ? aloud(` (${told})`) : null) : text;
    const sign = verdict ? [make("span", {class: "verdict-sign"}, verdict), " "] : [];
    const sure = over ? make("span", {class: "margin"}, margin,
      make("i", {class: "over", "aria-hidden": plain ? "true" : null, title: plain ? `over ${over}` : null}, initials(over)),
      plain ? aloud(` over ${over}`) : null) : null;
    return make("td", {class: "num", "data-sort": sort || "", title: told}, sign, value, sure ? " " : null, sure,
      drawn ? whisker(drawn) : null, notes(noted, "note"));
  }

  return {
    line(row, plain) {
      const [rank, sort, why] = row.rank, [method, page] = row.method;
      const marks = row.marks.length ? make("span", {class: "marks"}, notes(row.marks, "mark")) : null;
      return make("tr", {class: row.unlearned ? "unlearned" : sort || row.front ? null : "unranked", "data-at": row.at, "data-key": row.key,
        "data-family": row.family, "data-gain": row.gain, "data-kept": row.kept, "data-parameters": row.parameters},
      make("td", {class: "rank", "data-sort": sort, title: why}, rank),
      make("th", {scope: "row", class: "name", "data-sort": row.name},
        make("a", {href: suite.root + row.href}, suite.named(row.name)),
        make("span", {class: "sub"}, make("a", {class: "quiet", href: suite.root + page}, suite.broken(method)), visible(row.about)), marks),
      row.cells.map((each, at) => cell(each, at < plain)));
    },
  };
})();
