// What a row answered to a task: searched and filtered here, loaded in portions.
"use strict";

(() => {
  const {make} = suite;
  const view = document.getElementById("view"), list = document.getElementById("list");
  const status = document.getElementById("status"), PAGE = 25;
  let run = 0;

  const field = (label, control) => make("label", {}, `${label} `, control);
  const search = make("input", {type: "search", size: 20, autocomplete: "off"});
  const which = make("select", {}, [["", "all"], ["wrong", "only wrong"], ["right", "only right"], ["split", "seeds disagree"]]
    .map(([value, text]) => make("option", {value}, text)));
  const task = make("select", {});
  const tools = make("div", {class: "tools", role: "search"}, field("Task", task), field("Search", search), field("Show", which));

  function change(name, value) {
    const state = suite.state();
    state.set(name, value);
    if (name !== "page") state.delete("page");
    suite.keep(state);
    show();
  }
  search.addEventListener("input", suite.pause(200, () => change("q", search.value)));
  which.addEventListener("change", () => change("show", which.value));
  task.addEventListener("change", () => change("task", task.value));

  async function show() {
    const mine = run += 1, state = suite.state(), key = state.get("row");
    if (!suite.safe(key)) {
      status.textContent = "Open the answers from the page of an experiment.";
      return;
    }
    let row;
    try {
      row = await suite.load(`rows/${key}.js`);
    } catch {
      status.textContent = "There is no such experiment on this site.";
      return;
    }
    const found = row.tasks.filter((each) => each.columns.length);
    const chosen = found.find((each) => each.key === state.get("task")) || found[0];
    if (!chosen || mine !== run) return;
    head(row, key, found, chosen, state);
    const columns = chosen.columns.filter((column) => column.asked === chosen.columns[0].asked).slice(0, 5);
    const values = columns.map(suite.values);
    const places = await select(chosen, columns, values, state, mine);
    if (places === null) return;
    await page(chosen, columns, values, places, state, mine);
  }

  function head(row, key, found, chosen, state) {
    if (view.dataset.key !== key) {
      view.dataset.key = key;
      document.getElementById("crumbs").replaceChildren(
        make("li", {}, make("a", {href: suite.root + row.board}, suite.visible(row.track))),
        make("li", {}, make("a", {href: suite.root + row.page}, suite.visible(row.name))),
        make("li", {"aria-current": "page"}, "Answers"));
      task.replaceChildren(...found.map((each) => make("option", {value: each.key}, suite.visible(each.label))));
      view.replaceChildren(make("p", {class: "lead"}, "What ", make("bdi", {}, suite.visible(row.name)),
        " answered, document by document."), tools);
    }
    document.getElementById("title").textContent = `Answers: ${suite.visible(chosen.label)}`;
    document.title = `${suite.visible(chosen.label)} · ${suite.visible(row.name)} · suite leaderboard`;
    task.value = chosen.key;
    if (search.value !== (state.get("q") || "")) search.value = state.get("q") || "";
    which.value = state.get("show") || "";
  }

  // Places of the documents to show; texts are loaded only where they are searched.
  async function select(chosen, columns, values, state, mine) {
    const total = columns[0].count, kind = state.get("show"), text = (state.get("q") || "").toLowerCase();
    const wanted = (place) => {
      const known = values.map((each) => each[place]).filter((value) => value !== null);
      if (kind === "wrong") return known.some((value) => value < 1);
      if (kind === "right") return known.length > 0 && known.every((value) => value === 1);
      if (kind === "split") return new Set(known).size > 1;
      return true;
    };
    const places = [...Array(total).keys()].filter(wanted);
    if (!text) return places;
    const found = [];
    for (const place of places) {
      if (mine !== run) return null;
      if (place % suite.CHUNK === 0) status.textContent = `searching, ${place} of ${total} …`;
      const document = await suite.asked(columns[0], place);
      const said = await Promise.all(columns.map((column) => suite.said(chosen, column, place)));
      const texts = [document.question, document.target, ...said.map((each) => each.output)];
      if (texts.some((each) => suite.plain(each).toLowerCase().includes(text))) found.push(place);
    }
    return found;
  }

  async function page(chosen, columns, values, places, state, mine) {
    const last = Math.max(1, Math.ceil(places.length / PAGE));
    const number = Math.min(last, Math.max(1, Number(state.get("page")) || 1));
    const shown = places.slice((number - 1) * PAGE, number * PAGE);
    const body = await Promise.all(shown.map(async (place) => {
      const document = await suite.asked(columns[0], place);
      const said = await Promise.all(columns.map((column) => suite.said(chosen, column, place)));
      return make("tr", {}, make("th", {scope: "row", class: "num", "data-label": "Document"}, String(document.number)),
        make("td", {"data-label": "Question"}, suite.stored(document.question)),
        make("td", {"data-label": "Target"}, suite.stored(document.target)),
        said.map((each, at) => make("td", {"data-label": `Output, ${suite.seeds(columns[at].seeds)}`}, suite.answer(each, values[at][place]))));
    }));
    if (mine !== run) return;
    const outputs = columns.map((column) => make("th", {scope: "col"}, `Output, ${suite.seeds(column.seeds)}`));
    status.textContent = `${places.length} of ${columns[0].count} documents`
      + (chosen.columns.length > columns.length ? `; ${chosen.columns.length - columns.length} more seeds are in the store` : "");
    const table = make("table", {class: "answers"},
      make("caption", {class: "sr"}, `Answers to ${suite.visible(chosen.label)}, page ${number} of ${last}`),
      make("thead", {}, make("tr", {}, make("th", {scope: "col", class: "num"}, "Document"),
        make("th", {scope: "col"}, "Question"), make("th", {scope: "col"}, "Target"), outputs)),
      make("tbody", {}, body));
    list.replaceChildren(
      body.length ? make("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": "Answers"}, table)
        : make("p", {}, "No document matches."),
      pager(number, last),
      make("p", {class: "dim"}, "Line breaks are kept. Invisible characters are shown as ⟨U+…⟩. Seeds in one column have the "
        + "same answers. Graded answers have a number instead of right or wrong; – means that the metric has no scores "
        + "of single documents."));
  }

  function pager(number, last) {
    if (last === 1) return "";
    const turn = (text, to) => {
      const button = make("button", {type: "button", disabled: to < 1 || to > last}, text);
      button.addEventListener("click", () => { change("page", String(to)); list.scrollIntoView(); });
      return button;
    };
    return make("nav", {class: "tools", "aria-label": "Pages of answers"}, turn("← Earlier", number - 1),
      make("span", {}, `page ${number} of ${last}`), turn("Later →", number + 1));
  }

  addEventListener("hashchange", show);
  show();
})();
