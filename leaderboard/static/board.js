// A track's page: search, filters, columns, sorting, downloads and choosing two rows; all of it kept in the address.
"use strict";

suite.board = (() => {
  const {make} = suite;
  const box = document.getElementById("tools");
  const groups = [...document.querySelectorAll("section.group")];
  const tables = groups.map((group) => group.querySelector("table"));
  const rows = tables.flatMap((table) => table.suiteRows);
  let rest = box.dataset.rest || "";  // rows that the page does not hold yet
  const left = Number(box.dataset.left || 0);
  const bands = new Map();  // key -> {label, extra}
  for (const cell of document.querySelectorAll("th[data-band]")) {
    if (!bands.has(cell.dataset.band)) {
      bands.set(cell.dataset.band, {label: cell.textContent.trim(), extra: cell.classList.contains("extra")});
    }
  }
  const plain = [...bands].filter(([, band]) => !band.extra).map(([key]) => key);
  let state = suite.state();

  const field = (label, control) => make("label", {}, `${label} `, control);
  const choice = (options) => make("select", {}, options.map(([value, text]) => make("option", {value}, text)));

  const search = make("input", {type: "search", size: 16, autocomplete: "off"});
  const families = (box.dataset.families || "").split("\n").filter(Boolean);
  const family = choice([["", "all"], ...families.map((name) => [name, name])]);
  const targets = groups.map((group) => group.dataset.target);
  const target = choice([["", "all"], ...targets.map((name) => [name, name || "none"])]);
  const parameters = choice(limits());
  const criterion = choice([["", "kept, of rows that learned"], ["front", "Pareto front"], ["weighted", "weighted sum"]]);
  const share = make("input", {type: "range", min: 0, max: 100, step: 5});
  const shared = make("span", {class: "dim"});
  const weight = make("label", {hidden: true}, "Weight of the gain ", share, " ", shared);
  const columns = make("details", {class: "columns"}, make("summary", {}, "Columns"));
  const boxes = new Map();
  const count = make("span", {class: "dim", role: "status"});
  const reset = make("button", {type: "button"}, "Reset");
  const compare = make("a", {class: "button", hidden: true});

  // Powers of ten that tell rows apart by what they train.
  function limits() {
    const known = rows.map((row) => Number(row.dataset.parameters || 0)).filter((value) => value > 0);
    const found = [["", "any"]];
    for (let power = 2; power < 13; power += 1) {
      const bound = 10 ** power;
      if (known.some((value) => value <= bound) && known.some((value) => value > bound)) {
        const name = bound < 1e6 ? `${bound / 1e3} k` : bound < 1e9 ? `${bound / 1e6} M` : `${bound / 1e9} B`;
        found.push([String(bound), `at most ${bound < 1e3 ? bound : name}`]);
      }
    }
    return found;
  }

  function build() {
    const list = make("fieldset", {}, make("legend", {class: "sr"}, "Columns that are shown"));
    for (const [key, band] of bands) {
      const tick = make("input", {type: "checkbox", value: key});
      boxes.set(key, tick);
      list.append(make("label", {}, tick, ` ${band.label}`));
      tick.addEventListener("change", () => {
        show([...boxes].filter(([, each]) => each.checked).map(([name]) => name));
      });
    }
    const every = make("button", {type: "button"}, "Show per-task scores");
    every.addEventListener("click", () => show([...bands.keys()]));
    if (bands.size > plain.length) list.append(every);
    columns.append(list);
    const parts = [field("Search", search)];
    if (families.length > 1) parts.push(field("Family", family));
    if (parameters.options.length > 1) parts.push(field("Trained parameters", parameters));
    if (groups.length > 1) parts.push(field("Target", target));
    parts.push(field("Rank by", criterion), weight);
    box.className = "tools";
    box.append(...parts, columns, reset, count, compare);
    search.addEventListener("input", suite.pause(60, () => set("q", search.value)));
    family.addEventListener("change", () => set("family", family.value));
    parameters.addEventListener("change", () => set("parameters", parameters.value));
    target.addEventListener("change", () => set("target", target.value));
    criterion.addEventListener("change", () => set("rank", criterion.value));
    share.addEventListener("input", suite.pause(60, () => set("weight", share.value)));
    reset.addEventListener("click", () => { state = new URLSearchParams(); update(); });
    rows.forEach(tickable);
    if (rest) {
      const every = make("button", {type: "button"}, `Show all ${new Set(rows.map((row) => row.dataset.at)).size + left} rows`);
      every.addEventListener("click", () => set("rows", "all"));
      reset.before(every);
      box.suiteEvery = every;
    }
    for (const link of document.querySelectorAll("a[data-kind]")) link.addEventListener("click", download);
  }

  function tickable(row) {
    const tick = make("input", {type: "checkbox", class: "pick", title: "choose two rows to compare",
      "aria-label": `compare ${row.cells[1].querySelector("a").textContent}`});
    tick.addEventListener("change", () => pick(row.dataset.key, tick.checked));
    row.cells[1].prepend(tick);
  }

  // Search, filters and sorting are over all rows, so they bring the others in.
  async function complete() {
    const path = rest;
    if (!path || !["q", "family", "parameters", "sort", "rank", "rows", "pick"].some((name) => state.get(name))) return;
    const found = await suite.load(path);
    if (!rest) return;
    rest = "";
    box.suiteEvery.remove();
    for (const note of document.querySelectorAll(".more-rows")) note.remove();
    tables.forEach((table, place) => {
      const added = found[place].rows.map((row) => suite.rows.line(row, found[place].plain));
      for (const row of added) hideColumns(table, row);
      table.suiteRows.push(...added);
      table.tBodies[0].append(...added);
      added.forEach(tickable);
      rows.push(...added);
    });
  }

  function hideColumns(table, row) {
    [...table.tHead.rows[1].cells].forEach((header, at) => { row.cells[at + 2].hidden = header.hidden; });
  }

  // Names of columns may be anything, so each is written for itself.
  function show(chosen) {
    set("columns", chosen.join() === plain.join() ? "" : chosen.map(encodeURIComponent).join() || "-");
  }

  function set(name, value) {
    state.set(name, value);
    update();
  }

  function decoded(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;  // an address that somebody wrote
    }
  }

  const picked = () => (state.get("pick") || "").split(",").filter(Boolean);

  function pick(key, on) {
    const others = picked().filter((each) => each !== key);
    set("pick", (on ? [...others, key] : others).slice(-2).join());
  }

  async function update() {
    suite.keep(state);
    await complete();
    apply();
  }

  function matches(row) {
    const control = row.classList.contains("control");
    const words = (state.get("q") || "").toLowerCase().split(/\s+/).filter(Boolean);
    const text = row.cells[1].textContent.toLowerCase();
    if (!words.every((word) => text.includes(word))) return false;
    if (control) return true;  // what the others are compared with stays in sight
    if (state.get("family") && row.dataset.family !== state.get("family")) return false;
    const most = Number(state.get("parameters") || 0);
    return !most || (row.dataset.parameters !== "" && Number(row.dataset.parameters) <= most);
  }

  function apply() {
    if (search.value !== (state.get("q") || "")) search.value = state.get("q") || "";
    for (const [control, name] of [[family, "family"], [parameters, "parameters"], [target, "target"]]) {
      control.value = state.get(name) || "";
    }
    const by = ["front", "weighted"].includes(state.get("rank")) ? state.get("rank") : "";
    const given = Number(state.get("weight") ?? 50), percent = given >= 0 && given <= 100 ? given : 50;
    criterion.value = by;
    share.value = percent;
    shared.textContent = `${percent} %`;
    weight.hidden = by !== "weighted";
    const wanted = targets.includes(state.get("target")) ? state.get("target") : "";
    const chosen = state.get("columns") ? state.get("columns").split(",").map(decoded) : plain;
    for (const [key, tick] of boxes) tick.checked = chosen.includes(key);
    const two = picked();
    const sort = state.get("sort") || "", key = sort.replace(/^-/, "");
    const shown = new Set(), all = new Set(rows.map((row) => row.dataset.at));  // the control is in every table
    groups.forEach((group, place) => {
      group.hidden = wanted !== "" && group.dataset.target !== wanted;
      const table = tables[place];
      suite.criteria.apply(table, by, percent / 100);
      const seen = new Set();
      for (const row of table.suiteRows) {
        row.hidden = !matches(row);
        row.cells[1].querySelector(".pick").checked = two.includes(row.dataset.key);
        if (!row.hidden) seen.add(row.dataset.at);
      }
      if (!group.hidden) for (const at of seen) shown.add(at);
      if (suite.charts) suite.charts.fade(group, seen);
      fold(table, chosen);
      const header = [...table.tHead.querySelectorAll("th[data-sort]")].find((each) => each.dataset.key === key);
      suite.sorting.apply(table, header, sort.startsWith("-") ? "descending" : sort ? "ascending" : "none");
    });
    count.textContent = `${shown.size} of ${all.size + (rest ? left : 0)} rows`;
    reset.hidden = state.toString() === "";
    offer(two);
  }

  // Hide the columns of bands that are not chosen.
  function fold(table, chosen) {
    let place = 2;
    for (const band of table.tHead.rows[0].querySelectorAll("th[data-band]")) {
      const hidden = !chosen.includes(band.dataset.band);
      if (band.hidden !== hidden) {
        band.hidden = hidden;
        for (let at = place; at < place + band.colSpan; at += 1) {
          table.tHead.rows[1].cells[at - 2].hidden = hidden;
          for (const row of table.suiteRows) row.cells[at].hidden = hidden;
        }
      }
      place += band.colSpan;
    }
  }

  function offer(two) {
    compare.hidden = two.length === 0;
    const names = two.map((key) => rows.find((row) => row.dataset.key === key)).filter(Boolean)
      .map((row) => row.cells[1].querySelector("a").textContent);
    compare.textContent = names.length === 2 ? `Compare ${names[0]} with ${names[1]} →` : `Compare ${names[0] || ""} with …`;
    const to = new URLSearchParams({a: two[0] || "", b: two[1] || ""});
    compare.href = `${suite.root}compare.html#${to}`;
  }

  const places = () => new Set(groups.filter((group) => !group.hidden)
    .flatMap((group) => [...group.querySelectorAll("tbody tr[data-at]")]).filter((row) => !row.hidden).map((row) => Number(row.dataset.at)));

  // The file beside the page has every row; where some are hidden, those that are shown are handed on.
  async function download(event) {
    const link = event.currentTarget, kept = places();
    const total = new Set(rows.map((row) => row.dataset.at)).size;
    if (kept.size === total) return;  // all that the page holds, or all there are
    event.preventDefault();
    const data = await suite.load(link.closest("[data-downloads]").dataset.downloads);
    const chosen = (items) => items.filter((_, place) => kept.has(place));
    const text = link.dataset.kind === "csv" ? [data.csv.head, ...chosen(data.csv.lines)].join("")
      : `${JSON.stringify({...data.json.head, rows: chosen(data.json.rows)}, null, 1)}\n`;
    const url = URL.createObjectURL(new Blob([text], {type: link.dataset.kind === "csv" ? "text/csv" : "application/json"}));
    const hand = make("a", {href: url, download: link.download});
    hand.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  build();
  complete().then(apply);
  addEventListener("hashchange", () => { state = suite.state(); update(); });

  return {
    // By a column in every table that has it.
    sort(key, direction) {
      set("sort", direction === "none" ? "" : (direction === "descending" ? "-" : "") + key);
    },
  };
})();
