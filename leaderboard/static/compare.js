// Two experiments side by side: what each task's score differs by, and the documents that make the difference.
"use strict";

(() => {
  const {make} = suite;
  const view = document.getElementById("view"), list = document.getElementById("list");
  const status = document.getElementById("status"), form = document.getElementById("choice"), PAGE = 20;
  const pickers = {a: make("select", {"aria-label": "experiment A"}), b: make("select", {"aria-label": "experiment B"})};
  let run = 0, rows = null;

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
    if (mine !== run) return;
    const pairs = rows[0].tasks.map((task) => pair(task, rows[1].tasks.find((other) => other.key === task.key)));
    const lone = rows[1].tasks.filter((task) => !rows[0].tasks.some((other) => other.key === task.key));
    table(pairs, lone, state);
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

  // Student's t at 97.5 % for 1 to 9 degrees of freedom.
  const T95 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

  // Half of the 95 % interval that the seeds' own means give: with the smaller number of seeds, so rather too wide;
  // null where no side has several that differ, and so nothing tells how much other seeds would change.
  function overSeeds(...tasks) {
    let variance = 0, least = Infinity;
    for (const task of tasks) {
      const all = task.columns.map((column) => {
        const known = suite.values(column).filter((value) => value !== null);
        return known.reduce((sum, value) => sum + value, 0) / known.length;
      });
      if (all.length < 2) continue;
      const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
      variance += all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (all.length - 1) / all.length;
      least = Math.min(least, all.length);
    }
    return least === Infinity ? null : 100 * (T95[least - 2] || 1.96) * Math.sqrt(variance);
  }

  // A task of both: the difference over the documents that both answered, with its interval, if they are the same ones.
  function pair(task, other) {
    const made = {key: task.key, label: task.label, metric: task.metric, scores: [task.score, other ? other.score : null], tasks: [task, other]};
    if (!other) return {...made, why: "B was not asked this"};
    if (!task.columns.length || !other.columns.length) return {...made, why: "not answered by both"};
    if (task.columns[0].asked !== other.columns[0].asked) return {...made, why: "not comparable: other documents"};
    if (task.metric !== other.metric) return {...made, why: "not comparable: other metrics"};
    const [a, b] = [means(task), means(other)];
    const known = a.map((value, place) => value === null || b[place] === null ? null : value - b[place]);
    const paired = known.filter((value) => value !== null);
    if (!paired.length) {
      if (!task.score || !other.score) return {...made, why: "no document has a score of its own"};
      return {...made, difference: task.score[0] - other.score[0], why: "scored over all documents together"};
    }
    const mean = paired.reduce((sum, value) => sum + value, 0) / paired.length;
    const spread = paired.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const half = paired.length > 1 ? 1.96 * Math.sqrt(spread / (paired.length - 1) / paired.length) : null;
    const seeds = overSeeds(task, other);
    const differ = [...known.keys()].filter((place) => known[place] !== null && known[place] !== 0);
    return {
      ...made, known, differ, difference: 100 * mean, half: half === null ? null : 100 * half, seeds, count: paired.length,
      better: differ.filter((place) => known[place] > 0).length, worse: differ.filter((place) => known[place] < 0).length,
    };
  }

  const score = (value) => value === null ? "–" : suite.number(value[0]) + (value[1] === null ? "" : ` ±${value[1].toFixed(1)}`);

  function difference(each) {
    if (each.difference === undefined) return make("td", {class: "num dim"}, "–");
    const half = typeof each.half === "number" ? Math.hypot(each.half, each.seeds || 0) : Infinity;
    return make("td", {class: "num"}, make("span", {class: Math.abs(each.difference) > half ? "value" : ""}, suite.number(each.difference, true)));
  }

  const margin = (value) => make("td", {class: "num dim"}, typeof value === "number" ? `±${value.toFixed(1)}` : "–");

  function table(pairs, lone, state) {
    const link = (row) => make("a", {href: suite.root + row.page}, make("bdi", {}, suite.visible(row.name)));
    const head = make("tr", {}, make("th", {scope: "col"}, "Task"), make("th", {scope: "col"}, "Metric"),
      make("th", {scope: "col", class: "num"}, "A: ", link(rows[0])), make("th", {scope: "col", class: "num"}, "B: ", link(rows[1])),
      make("th", {scope: "col", class: "num"}, "A − B"),
      make("th", {scope: "col", class: "num"}, "documents"), make("th", {scope: "col", class: "num"}, "seeds"),
      make("th", {scope: "col", class: "num"}, "A better"),
      make("th", {scope: "col", class: "num"}, "B better"), make("th", {scope: "col"}, "Documents"));
    const body = pairs.map((each) => {
      const button = each.differ && each.differ.length
        ? make("button", {type: "button", class: "link", "aria-pressed": String(each.key === state.get("task"))},
          `${each.differ.length} of ${each.count} differ`, make("span", {class: "sr"}, ` on ${suite.visible(each.label)}`)) : null;
      if (button) button.addEventListener("click", () => { change({task: each.key, page: "", show: ""}); list.scrollIntoView(); });
      return make("tr", {}, make("th", {scope: "row", class: "name"}, suite.visible(each.label)), make("td", {}, suite.visible(each.metric)),
        each.scores.map((value) => make("td", {class: "num"}, score(value))), difference(each),
        margin(each.half), margin(each.seeds), [each.better, each.worse].map((value) => make("td", {class: "num"}, value === undefined ? "–" : String(value))),
        make("td", {}, button || make("span", {class: "dim"}, each.differ ? "none differs" : each.why)));
    });
    status.textContent = rows[0].board === rows[1].board ? "" : "These two are of different tracks: what is equal in a track is not equal here.";
    view.replaceChildren(
      make("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": "Difference by task"},
        make("table", {class: "compared"}, make("caption", {class: "sr"}, "Difference by task"), make("thead", {}, head), make("tbody", {}, body))),
      make("p", {class: "dim"}, "A − B is paired by document, each document’s score being the mean over seeds. Beside it half of its 95 % interval, "
        + "once for the choice of documents and once for that of seeds (–: neither has several that differ). In bold: larger than both "
        + "together. Of many tasks some will be bold by chance." + (lone.length ? ` Only B was asked ${lone.map((task) => suite.visible(task.label)).join(", ")}.` : "")));
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

  suite.load("rows.js").then((listed) => { choose(listed); show(); });
  addEventListener("hashchange", () => { if (form.firstChild) show(); });
})();
