// Two experiments side by side: what each task's score differs by, and the documents that make the difference.
"use strict";

(() => {
  const {make} = suite;
  const view = document.getElementById("view"), list = document.getElementById("list");
  const status = document.getElementById("status"), form = document.getElementById("choice"), PAGE = 20;
  const pickers = {a: make("select", {"aria-label": "experiment A"}), b: make("select", {"aria-label": "experiment B"})};
  let run = 0, rows = null, tracks = [];

  function change(values) {
    const state = suite.state();
    for (const [name, value] of Object.entries(values)) state.set(name, value);
    suite.keep(state);
    show();
  }

  function choose(listed) {
    for (const [name, select] of Object.entries(pickers)) {
      const options = listed.tracks.map((track) => make("optgroup", {label: suite.visible(track.title)},
        track.rows.map(([key, title, targets]) => make("option", {value: key},
          suite.visible(targets ? `${title} (${targets})` : title)))));
      select.replaceChildren(make("option", {value: ""}, "choose …"), ...options);
      select.addEventListener("change", () => change({[name]: select.value, task: "", page: ""}));
      form.append(make("label", {}, `${name.toUpperCase()} `, select));
    }
    const swap = make("button", {type: "button"}, "Swap");
    swap.addEventListener("click", () => {
      const state = suite.state();
      change({a: state.get("b") || "", b: state.get("a") || "", page: ""});
    });
    form.append(swap);
  }

  async function show() {
    const mine = run += 1, state = suite.state(), keys = [state.get("a"), state.get("b")];
    for (const [at, name] of ["a", "b"].entries()) pickers[name].value = keys[at] || "";
    if (!keys.every(suite.safe)) {
      status.textContent = "Choose two experiments, here or by ticking two rows of a table.";
      view.replaceChildren();
      list.replaceChildren();
      return;
    }
    try {
      rows = await Promise.all(keys.map((key) => suite.load(`rows/${key}.js`)));
    } catch {
      status.textContent = "One of the two is not on this site.";
      return;
    }
    const given = await precomputed(keys);
    if (mine !== run) return;
    const found = given.tasks || new Map();
    const pairs = rows[0].tasks.map((task) => pair(task, rows[1].tasks.find((other) => other.key === task.key), found.get(task.key)));
    const lone = rows[1].tasks.filter((task) => !rows[0].tasks.some((other) => other.key === task.key));
    table(pairs, lone, state, given);
    const chosen = pairs.find((each) => each.key === state.get("task")) || pairs.find((each) => each.differ && each.differ.length);
    await documents(chosen, state, mine);
  }

  // A document's score, as the mean over seeds.
  const means = (task) => {
    const same = task.columns.filter((column) => column.asked === task.columns[0].asked);
    const weights = same.map((column) => column.seeds.length), all = same.map(suite.values);
    return [...Array(task.columns[0].count).keys()].map((place) => {
      let sum = 0, weight = 0;
      all.forEach((values, at) => {
        if (values[place] !== null) { sum += weights[at] * values[place]; weight += weights[at]; }
      });
      return weight ? sum / weight : null;
    });
  };

  // A task of both: what the package found, and the documents that both answered, if they are the same ones.
  function pair(task, other, found) {
    const made = {key: task.key, label: task.label, metric: task.metric, scores: [task.score, other ? other.score : null], tasks: [task, other]};
    if (!other) return {...made, why: "B was not asked this"};
    made.found = Array.isArray(found) ? found : null;
    if (typeof found === "string") return {...made, why: `not comparable: ${suite.visible(found)}`};
    if (!task.columns.length || !other.columns.length) return {...made, why: "not answered by both"};
    if (task.columns[0].asked !== other.columns[0].asked) return {...made, why: made.found ? "other documents, too" : "not comparable: other documents"};
    if (task.metric !== other.metric) return {...made, why: "not comparable: other metrics"};
    const [a, b] = [means(task), means(other)];
    const known = a.map((value, place) => value === null || b[place] === null ? null : value - b[place]);
    if (known.every((value) => value === null)) {
      return {...made, plain: task.score && other.score ? task.score[0] - other.score[0] : null, why: "scored over all documents together"};
    }
    const count = known.filter((value) => value !== null).length, sum = known.reduce((total, value) => total + value, 0);
    const differ = [...known.keys()].filter((place) => known[place] !== null && Math.abs(known[place]) > 1e-8);
    return {...made, known, differ, count, plain: 100 * sum / count};
  }

  // What `suite compare A B` prints, computed when the site was made: a row's file has the rows after it.
  async function precomputed(keys) {
    const track = tracks.find((each) => keys.every((key) => each.rows.some((row) => row[0] === key)));
    if (!track || keys[0] === keys[1]) return {};
    const order = keys.map((key) => track.rows.findIndex((row) => row[0] === key));
    const names = order.map((at) => track.rows[at][1]);
    const once = names.every((name) => track.rows.filter((row) => row[1] === name).length === 1);
    const command = once ? `suite compare ${[...names].map(quoted).join(" ")} --track ${quoted(track.track)}` : null;
    if (!track.compared) return {command, unknown: "This track has too many rows to compare all of them here. These are plain differences, without intervals and tests."};
    const turned = order[0] > order[1], [first, second] = turned ? [keys[1], keys[0]] : keys;
    const chunk = await suite.load(`pairs/${first}.js`), told = chunk.rows[second];
    if (!told) return {command, unknown: "These two share only some of their documents. These are plain differences, without intervals and tests."};
    const turn = (found) => {
      if (!Array.isArray(found)) return found;
      const [value, half, p, seen, documents, seeds, won, lost] = found;
      const other = Array.isArray(half) ? [-half[1], -half[0]] : half;
      return turned ? [-value, other, p, seen, documents, seeds, lost, won] : found;
    };
    const tasks = new Map(chunk.tasks.map((key, at) => [key, turn(told[0][at])]));
    return {command, tasks, averages: Object.entries(told[1]).map(([shots, found]) => [shots, turn(found)])};
  }

  const quoted = (name) => /^[\w.+-]+$/.test(name) ? name : `'${suite.visible(name).replaceAll("'", "'\\''")}'`;

  const score = (value) => value === null ? "–"
    : [suite.number(value[0]), value[1] ? [" ", make("span", {class: "margin"}, value[1])] : []].flat();

  const num = (text, kind = "num") => make("td", {class: kind}, text);

  const probability = (p) => p === null ? "by construction" : p === 0 ? "< 0.001" : p.toFixed(3);

  // Half of an interval, or its ends where the sides differ.
  const interval = (half) => Array.isArray(half) ? `[${half.map((end) => suite.number(end, true)).join(", ")}]` : `±${half.toFixed(1)}`;

  // Difference, interval, p, minimum detectable effect; dashes where there is no test.
  function tested(found, plain) {
    if (!found) return [num(typeof plain === "number" ? suite.number(plain, true) : "–", "num dim"), ...["–", "–", "–"].map((text) => num(text, "num dim"))];
    const [value, half, p, seen] = found, sure = p !== null && p < 0.05;
    return [num(make("span", {class: sure ? "value" : ""}, suite.number(value, true))), num(interval(half), "num dim"),
      num(probability(p)), num(!seen ? "–" : seen > 100 ? "none" : seen.toFixed(1), "num dim")];
  }

  const counts = (found, places) => places.map((at) => num(found && typeof found[at] === "number" ? String(found[at]) : "–"));

  function table(pairs, lone, state, given) {
    const link = (row) => make("a", {href: suite.root + row.page}, suite.named(row.name));
    const column = (text, title) => make("th", {scope: "col", class: "num", title: title || null}, text);
    const head = make("tr", {}, make("th", {scope: "col"}, "Task"), make("th", {scope: "col"}, "Metric"),
      make("th", {scope: "col", class: "num"}, "A: ", link(rows[0])), make("th", {scope: "col", class: "num"}, "B: ", link(rows[1])),
      column("A − B"), column("±", "half of the 95\u00a0% interval over the documents and seeds in common; its ends if the sides differ"),
      column("p", "corrected (Holm) for all tasks; that of the held-out average is not"),
      column("MDE", "minimum detectable effect: the true difference that is found with 80\u00a0% power; none: no difference is large enough"),
      column("A won", "documents on which A is better, by the mean over seeds"), column("A lost", "documents on which B is better"),
      column("documents", "in common"), column("seeds", "in common"), make("th", {scope: "col"}, "Documents"));
    const body = pairs.map((each) => {
      const button = each.differ && each.differ.length
        ? make("button", {type: "button", class: "link", "aria-pressed": String(each.key === state.get("task"))},
          `${each.differ.length} of ${each.count} differ`, make("span", {class: "sr"}, ` on ${suite.visible(each.label)}`)) : null;
      if (button) button.addEventListener("click", () => { change({task: each.key, page: "", show: ""}); list.scrollIntoView(); });
      return make("tr", {}, make("th", {scope: "row", class: "name"}, suite.named(each.label)), make("td", {}, suite.named(each.metric)),
        each.scores.map((value) => num(score(value))), tested(each.found, each.plain), counts(each.found, [6, 7, 4, 5]),
        make("td", {}, button || make("span", {class: "dim"}, each.differ ? "none differs" : each.why)));
    });
    const averages = (given.averages || []).map(([shots, found]) => make("tr", {},
      make("th", {scope: "row", class: "name"}, `Held-out average, ${shots === "1" ? "1 shot" : `${shots} shots`}`), make("td", {}, "mean"),
      rows.map((row) => num(score(row.averages[shots] || null))), tested(found), counts(found, [6, 7, 4, 5]), make("td", {})));
    const other = rows[0].board === rows[1].board ? null
      : "These two are of different tracks. They may differ in more than the method, so nothing is tested.";
    status.textContent = other || given.unknown || "";
    view.replaceChildren(
      make("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": "Difference by task"},
        make("table", {class: "compared"}, make("caption", {class: "sr"}, "Difference by task"), make("thead", {}, head), make("tbody", {}, body, averages))),
      make("p", {class: "dim"}, "A − B is paired by document and by seed, over those that both have. ± is half of its 95\u00a0% interval; if the sides differ, "
        + "both ends are given. The p of a task is corrected for all tasks (Holm). Differences with p < 0.05 are bold. MDE is the minimum detectable effect: "
        + "the smallest true difference that is found with 80\u00a0% power. A won and A lost count the documents on which A or B is better, by the mean over seeds."
        + (lone.length ? ` Only B was asked ${lone.map((task) => suite.visible(task.label)).join(", ")}.` : "")),
      given.command ? make("p", {class: "dim"}, given.unknown ? "With intervals and tests: " : "The same in a terminal: ", make("code", {}, suite.visible(given.command))) : "");
    suite.hints(view);
  }

  async function documents(each, state, mine) {
    if (!each || !each.differ || !each.differ.length) {
      list.replaceChildren();
      return;
    }
    const kind = state.get("show") || "";
    const places = each.differ.filter((place) => kind === "a" ? each.known[place] > 0 : kind === "b" ? each.known[place] < 0 : true)
      .sort((x, y) => Math.abs(each.known[y]) - Math.abs(each.known[x]) || x - y);
    const last = Math.max(1, Math.ceil(places.length / PAGE)), number = Math.min(last, Math.max(1, Number(state.get("page")) || 1));
    const body = await Promise.all(places.slice((number - 1) * PAGE, number * PAGE).map((place) => line(each, place)));
    if (mine !== run) return;
    const which = make("select", {}, [["", "all that differ"], ["a", "A is better"], ["b", "B is better"]]
      .map(([value, text]) => make("option", {value}, text)));
    which.value = kind;
    which.addEventListener("change", () => change({task: each.key, show: which.value, page: ""}));
    const heads = ["A", "B"].map((name, at) => make("th", {scope: "col"}, `${name}: `, make("bdi", {}, suite.visible(rows[at].name))));
    list.replaceChildren(
      make("h2", {}, `Documents of ${suite.visible(each.label)}`),
      make("div", {class: "tools"}, make("label", {}, "Show ", which), make("span", {class: "dim", role: "status"}, places.length === 1 ? "1 document" : `${places.length} documents`)),
      make("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": "Documents that differ"},
        make("table", {class: "answers"}, make("caption", {class: "sr"}, `Documents of ${suite.visible(each.label)} that differ`),
          make("thead", {}, make("tr", {}, make("th", {scope: "col", class: "num"}, "Document"), make("th", {scope: "col"}, "Question"),
            make("th", {scope: "col"}, "Target"), heads)),
          make("tbody", {}, body))),
      pager(number, last));
  }

  // What a side answered, seeds that said the same together.
  async function side(task, place) {
    const groups = new Map();
    for (const column of task.columns) {
      if (column.asked !== task.columns[0].asked) continue;
      const said = await suite.said(task, column, place), value = suite.values(column)[place];
      const key = JSON.stringify([said, value]);
      if (!groups.has(key)) groups.set(key, {said, value, seeds: []});
      groups.get(key).seeds.push(...column.seeds);
    }
    return [...groups.values()].map((each) => make("div", {class: "side"},
      make("span", {class: "sub"}, suite.seeds(each.seeds)), suite.answer(each.said, each.value)));
  }

  async function line(each, place) {
    const sides = await Promise.all(each.tasks.map((task) => side(task, place)));
    const both = each.tasks.map((task) => task.columns[0]);
    let asked = await suite.asked(both[0], place);
    if (suite.plain(asked.question) === "") asked = await suite.asked(both[1], place);  // published without its texts
    return make("tr", {}, make("th", {scope: "row", class: "num", "data-label": "Document"}, String(asked.number)),
      make("td", {"data-label": "Question"}, suite.stored(asked.question)), make("td", {"data-label": "Target"}, suite.stored(asked.target)),
      sides.map((shown, at) => make("td", {"data-label": `${"AB"[at]}: ${suite.visible(rows[at].name)}`}, shown)));
  }

  function pager(number, last) {
    if (last === 1) return "";
    const turn = (text, to) => {
      const button = make("button", {type: "button", disabled: to < 1 || to > last}, text);
      button.addEventListener("click", () => { change({page: String(to)}); list.scrollIntoView(); });
      return button;
    };
    return make("nav", {class: "tools", "aria-label": "Pages of documents"}, turn("← Earlier", number - 1),
      make("span", {}, `page ${number} of ${last}`), turn("Later →", number + 1));
  }

  suite.load("rows.js").then((listed) => { tracks = listed.tracks; choose(listed); show(); });
  addEventListener("hashchange", () => { if (form.firstChild) show(); });
})();
