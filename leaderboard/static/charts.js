// Charts, drawn by Observable Plot from the descriptions that a page holds, as wide as there is room for them.
// Without this script the tables beside them say the same.
"use strict";

suite.charts = (() => {
  const {make, draw, visible, number} = suite;
  const NARROW = 520;  // narrower than this, names and panels go below each other
  const COLORS = 6, DASHES = ["none", "6 3", "2 3", "8 3 2 3"];
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;

  const cut = (text, most) => [...text].length > most ? `${[...text].slice(0, most - 1).join("")}…` : text;
  const short = (value) => String(Number(value.toPrecision(4))).replace("-", "−");
  const duration = (value) => value < 99.5 ? `${value < 9.95 ? Number(value.toPrecision(2)) : value.toFixed(0)} s`
    : value < 5970 ? `${(value / 60).toFixed(1)} min` : `${(value / 3600).toFixed(1)} h`;
  const change = ([value, low, high]) => number(value, true) + (low === undefined ? "" : ` (${number(low, true)} to ${number(high, true)})`);

  // The reach of an axis: room around the values, but none that scores, or what is never negative, cannot have.
  function room(values) {
    const [low, high] = d3.extent(values), space = 0.06 * (high - low) || Math.max(Math.abs(high) * 0.1, 0.5);
    return [low < 0 ? low - space : Math.max(0, low - space), low < 0 || high > 100 ? high + space : Math.min(100, high + space)];
  }

  const meet = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

  // Where names stand: on no disc, on no other name, on as few lines as can be (and rather not along one); else nowhere.
  function spots(wanted, discs, lines, frame) {
    const taken = [...discs];
    return wanted.map(({x, y, r, text}) => {
      const half = pen.measureText(text).width / 2 + 2, away = r + 3, slant = 0.7 * r + 3;
      const boxes = [[away + half, 0], [-away - half, 0], [0, -away - 8], [0, away + 8], [slant + half, -slant - 6],
        [slant + half, slant + 6], [-slant - half, -slant - 6], [-slant - half, slant + 6], [0, -away - 22], [0, away + 22],
        ...[8, 22, 36].flatMap((by) => [-away - by, away + by]).flatMap((dy) => [[r - half, dy], [half - r, dy]]),
        ...[22, 36].flatMap((by) => [-slant - by, slant + by]).flatMap((dy) => [[slant + half, dy], [-slant - half, dy]])]
        .map(([dx, dy]) => [x + dx - half, y + dy - 8, x + dx + half, y + dy + 8])
        .filter((box) => box[0] >= frame[0] && box[1] >= frame[1] && box[2] <= frame[2] && box[3] <= frame[3]
          && !taken.some((other) => meet(box, other)));
      const found = d3.least(boxes, (box) => d3.sum(lines, (line) => meet(box, line) ? (line[3] - line[1] < 4 ? 3 : 1) : 0));
      if (found) taken.push(found);
      return found && [(found[0] + found[2]) / 2, (found[1] + found[3]) / 2];
    });
  }

  function named(points, all, segments, options) {
    const radius = ({r}, point) => r ? r(point.cost || 0) : 4;
    return Plot.text(points, Plot.initializer({...options, textAnchor: "middle", className: "name"},
      (data, facets, channels, scales, {width, height, marginTop, marginRight, marginBottom, marginLeft}) => {
        const x = (value) => scales.x(value), y = (value) => scales.y(value);
        const box = (left, top, right, bottom) => [Math.min(left, right) - 1, Math.min(top, bottom) - 1,
          Math.max(left, right) + 1, Math.max(top, bottom) + 1];
        const discs = all.map((point) => [point, x(point.x[0]), y(point.y[0]), radius(scales, point)])
          .map(([, left, top, r]) => box(left - r, top - r, left + r, top + r));
        const wanted = data.map((point) => ({x: x(point.x[0]), y: y(point.y[0]), r: radius(scales, point), text: point.text}));
        const found = spots(wanted, discs, segments.map(([a, b]) => box(x(a[0]), y(a[1]), x(b[0]), y(b[1]))),
          [marginLeft, marginTop - 4, width, height - marginBottom]);
        return {data, facets: facets.map((facet) => facet.filter((place) => found[place])),
          channels: {x: {value: found.map((spot) => spot ? spot[0] : NaN)}, y: {value: found.map((spot) => spot ? spot[1] : NaN)}}};
      }));
  }

  // Gained against kept: discs as large as the price, whiskers, and the Pareto front as a stair.
  function scatter({points, front}, width) {
    const x = (point) => point.x[0], y = (point) => point.y[0];
    const told = points.filter((point) => point.named).map((point) => ({...point, text: cut(point.name, width < NARROW ? 22 : 30)}));
    const across = told.filter((point) => point.x.length > 1), upwards = told.filter((point) => point.y.length > 1);
    const right = room(points.flatMap((point) => point.x)), up = room(points.flatMap((point) => point.y));
    const base = points.filter((point) => point.base), best = front.map((place) => points[place]);
    const corners = best.map((point) => [x(point), y(point)]);
    const stair = best.length ? [[right[0], y(best[0])], ...corners, [x(best.at(-1)), up[0]]] : [];
    const most = d3.max(points, (point) => point.cost || 0);
    const r = {type: "sqrt", domain: [0, most || 1], range: [4, width < NARROW ? 10 : 13]};
    const segments = [
      ...stair.slice(1).flatMap((to, at) => [[stair[at], [stair[at][0], to[1]]], [[stair[at][0], to[1]], to]]),
      ...base.map((point) => [[right[0], y(point)], [right[1], y(point)]]),
      ...across.map((point) => [[point.x[1], y(point)], [point.x[2], y(point)]]),
      ...upwards.map((point) => [[x(point), point.y[1]], [x(point), point.y[2]]]),
    ];
    const at = {x, y, title: (point) => [cut(point.name, 40), `gained ${change(point.x)}`, `kept ${change(point.y)}`,
      ...(point.cost && !point.base ? [`${duration(point.cost)} of training`] : [])].join("\n")};
    return {
      options: {
        height: Math.round(Math.min(440, Math.max(300, width * 0.62))), inset: 10, marginBottom: 24, r,
        x: {domain: right, grid: true, label: null, ticks: width / 80}, y: {domain: up, grid: true, label: null, ticks: 6},
        marks: [
          Plot.ruleY(base, {y, className: "base-line"}),
          Plot.line(stair, {curve: "step-before", className: "front"}),
          Plot.ruleY(across, {y, x1: (point) => point.x[1], x2: (point) => point.x[2], className: "bar"}),
          Plot.ruleX(upwards, {x, y1: (point) => point.y[1], y2: (point) => point.y[2], className: "stem"}),
          Plot.dot(points, {x, y, r: (point) => point.cost || 0, href: "href", className: "point"}),
          named(told, points, segments, {x, y, text: "text"}),
        ],
      },
      parts: {bar: across, stem: upwards, point: points, name: told}, links: "point",
      tips: {data: points, at, pointer: Plot.pointer}, below: most ? sizes(r, most) : null,
    };
  }

  // What three sizes of discs stand for.
  function sizes(r, most) {
    const costs = [most / 16, most / 4].map((cost) => Number(cost.toPrecision(1))).concat(Number(most.toPrecision(2)));
    const options = {x: (_, place) => 16 + 78 * place, y: 0};
    const key = Plot.plot({width: 240, height: 30, margin: 0, axis: null, x: {type: "identity"}, y: {domain: [-1, 1]}, r,
      className: "sizes", marks: [Plot.dot(costs, {...options, r: (cost) => cost, className: "point"}),
        Plot.text(costs, {...options, text: duration, dx: 18, textAnchor: "start"})]});
    key.setAttribute("aria-hidden", "true");
    return make("p", {class: "legend"}, "Training: ", key);
  }

  // Each row's rank with its interval.
  function ranks({rows, last}, width) {
    const narrow = width < NARROW, texts = rows.map((row) => cut(row.name, narrow ? 44 : 32));
    const left = narrow ? 12 : 28 + Math.max(...texts.map((text) => pen.measureText(text).width));
    const y = (_, place) => place, step = Math.ceil(last / (narrow ? 6 : 10));
    const said = ({low, high}) => low === high ? `place ${low}` : `rank ${low} to ${high}`;
    return {
      options: {
        height: (narrow ? 36 : 24) * rows.length + 30, marginBottom: 24, marginLeft: left, marginTop: narrow ? 14 : 6, marginRight: 16,
        x: {domain: [1, last], ticks: d3.range(1, last + 1, step), tickFormat: "d", grid: true, label: null, inset: 8},
        y: {type: "point", domain: d3.range(rows.length), axis: null, padding: 0.5},
        marks: [
          Plot.ruleY(rows, {y, x1: "low", x2: "high", className: "span"}),
          Plot.dot(rows, {y, x: "place", r: 4, className: "disc"}),
          Plot.text(rows, {y, text: (_, place) => texts[place], href: "href", frameAnchor: "left", className: "label",
            ...(narrow ? {textAnchor: "start", dx: -4, dy: -14} : {textAnchor: "end", dx: -14})}),
        ],
      },
      parts: {span: rows, disc: rows, label: rows}, links: "label",
      tips: {data: rows.map((row, place) => ({...row, y: place})), pointer: Plot.pointerY,
        at: {x: "place", y: "y", title: (row) => `${cut(row.name, 40)}\n${said(row)}\nits value’s rank: ${row.place}`}},
    };
  }

  // The mean over seeds, where each of them has a value.
  function mean({seeds}) {
    const steps = d3.groups(seeds.flatMap((seed) => seed.points), (point) => point[2] ?? point[0]);
    return d3.sort(steps, ([step]) => step).map(([step, those]) => {
      const whole = those.length === seeds.length && those.every((point) => point[0] !== null && point[1] !== null);
      return [d3.mean(those, (point) => point[0]), whole ? d3.mean(those, (point) => point[1]) : null, step];
    });
  }

  // Lines, in panels where they have groups: each series its colour and dash, seeds thin, their mean thick.
  function lines(chart, width) {
    const {series, references} = chart, groups = [...new Set(series.map((each) => each.group))];
    const panels = groups.length > 1 ? {[width < NARROW ? "fy" : "fx"]: "group"} : {};
    const drawn = series.flatMap((each, place) => {
      const flat = (points, seed, thick) => points.map(([x, y, step]) => ({x, y, step, seed, thick, place, group: each.group, name: each.name}));
      const several = each.seeds.length > 1;
      return [...each.seeds.flatMap((seed) => flat(seed.points, seed.name, !several)),
        ...(several ? flat(mean(each), `mean of ${each.seeds.length} seeds`, true) : [])];
    });
    const known = drawn.filter((point) => point.x !== null && point.y !== null);
    const way = known.some((point) => point.step !== undefined && point.step !== point.x);  // both axes are measured
    const right = way ? room(known.map((point) => point.x)) : [Math.min(0, d3.min(known, (point) => point.x)), d3.max(known, (point) => point.x)];
    const up = room([...known.map((point) => point.y), ...references.map((each) => each.y)]);
    const few = d3.max(d3.rollup(known, (those) => those.length, (point) => `${point.place} ${point.seed}`).values()) <= 40;
    const height = 230, rows = panels.fy ? groups.length : 1;
    const marks = series.flatMap((each, place) => [false, true].flatMap((thick) => {
      const those = drawn.filter((point) => point.place === place && point.thick === thick);
      const shared = {x: "x", y: "y", z: "seed", ...panels, stroke: color(series, place)};
      return [
        Plot.line(those, {...shared, strokeDasharray: DASHES[place % DASHES.length], className: thick ? "mean" : "seed"}),
        ...(few ? [Plot.dot(those, {...shared, r: thick ? 2 : 1.2, fill: color(series, place), className: thick ? "mean-dot" : "seed-dot"})] : []),
      ];
    }));
    const title = (point) => [...new Set([point.group, point.name, point.seed])].filter(Boolean).map((text) => cut(text, 40))
      .concat(way ? [`step ${point.step ?? point.x}`, `${cut(chart.x, 30)}: ${short(point.x)}`] : [`${chart.x} ${short(point.x)}`],
        [short(point.y)]).join("\n");
    return {
      options: {
        height: height * rows, marginBottom: 24, marginRight: 20, marginLeft: 48, ...(panels.fx ? {fx: {label: null, padding: 0.12, domain: groups}} : {}),
        ...(panels.fy ? {fy: {label: null, padding: 0.14, domain: groups, axis: null}, marginTop: 24} : {marginTop: panels.fx ? 28 : 12}),
        x: {domain: right, label: null, ticks: width / (panels.fx ? 90 * groups.length : 80)},
        y: {domain: up, grid: true, label: null, ticks: 5},
        marks: [
          ...(panels.fy ? [Plot.text(groups, {fy: (group) => group, text: (group) => group, frameAnchor: "top-left", dy: -14})] : []),
          Plot.ruleY(references, {y: "y", className: "reference"}), ...marks,
        ],
      },
      parts: {}, links: "", tips: {data: known, pointer: Plot.pointer, at: {x: "x", y: "y", ...panels, title}},
      below: keys(series, references, known),
    };
  }

  const color = (series, place) => series.length > 1 ? `var(--series-${place % COLORS})` : "var(--accent)";

  function keys(series, references, known) {
    const several = known.some((point) => !point.thick), averaged = several && known.some((point) => point.thick);
    const key = (name, stroke, dash) => make("span", {class: "key"}, draw("svg", {viewBox: "0 0 28 6", width: 28, height: 6, "aria-hidden": "true"},
      draw("path", {d: "M0 3H28", stroke, "stroke-width": 2, "stroke-dasharray": dash})), " ", make("bdi", {}, cut(name, 60)));
    const names = [...new Map(series.map((each, place) => [each.name, place]))];
    return make("p", {class: "legend"},
      names.length > 1 ? names.map(([name, place]) => key(name, color(series, place), DASHES[place % DASHES.length])) : null,
      references.map((each) => key(each.name, "var(--soft)", "4 4")),
      several ? make("span", {class: "key"}, averaged ? "thin: seeds; thick: their mean" : "thin: seeds") : null);
  }

  const KINDS = {scatter, ranks, lines};

  function fade(box) {
    if (!box.suiteSeen) return;
    for (const part of box.querySelectorAll("[data-at]")) part.classList.toggle("out", !box.suiteSeen.has(part.dataset.at));
  }

  // What is read aloud are the drawing's label and its links, not its parts.
  function quiet(svg) {
    for (const part of svg.querySelectorAll("g[aria-label]")) {
      part.dataset.part = part.getAttribute("aria-label");
      part.removeAttribute("aria-label");
      if (!part.querySelector("a")) part.setAttribute("aria-hidden", "true");
    }
  }

  // Put a drawing of this width in place of the one before.
  function fill(box, chart, width) {
    const {options, parts, links, tips, below} = KINDS[chart.kind](chart, width);
    const frame = {width, className: "plot", ariaLabel: chart.label, ...options};
    const at = {...tips.at, lineHeight: 1.25};
    const svg = Plot.plot({...frame, marks: [...options.marks, Plot.tip(tips.data, tips.pointer(at))]});
    svg.setAttribute("role", links ? "group" : "img");
    const titled = new Map(tips.data.map((datum) => [String(datum.at), datum]));
    for (const [name, data] of Object.entries(parts)) {
      for (const leaf of svg.querySelectorAll(`.${name} :is(circle, line, text)`)) {
        const row = data[leaf.__data__], link = leaf.closest("a"), part = link || leaf;
        part.dataset.at = row.at;
        part.classList.add(name === "point" || name === "label" ? `to-${name}` : `of-${name}`);
        part.classList.toggle("base", Boolean(row.base));
        part.classList.toggle("pale", Boolean(row.pale));
        part.classList.toggle("best", Boolean(row.best));
        if (link) {
          link.removeAttributeNS("http://www.w3.org/1999/xlink", "href");
          link.setAttribute("href", suite.root + row.href);
          link.setAttribute("aria-label", tips.at.title(titled.get(String(row.at))).replaceAll("\n", ", "));
        }
      }
    }
    quiet(svg);
    const focused = () => svg.querySelector(".focused")?.remove();
    svg.addEventListener("focusin", ({target}) => {
      focused();
      const datum = titled.get(target.closest("a")?.dataset.at);
      if (!datum || !target.matches(":focus-visible")) return;  // what is pointed at has its tip
      const tip = Plot.plot({...frame, marks: [Plot.tip([datum], at)]}).querySelector("[aria-label=tip]");
      tip.classList.add("focused");
      tip.setAttribute("aria-hidden", "true");
      svg.append(tip);
    });
    svg.addEventListener("focusout", focused);
    box.querySelectorAll(":scope > :not(script)").forEach((old) => old.remove());
    if (chart.y) box.append(make("p", {class: "axis", "aria-hidden": "true"}, `↑ ${chart.y}`));
    box.append(svg, make("p", {class: "axis right", "aria-hidden": "true"}, `${chart.x} →`));
    if (below && below.textContent) box.append(below);
    fade(box);
  }

  for (const box of document.querySelectorAll(".chart")) {
    // Texts of the store become text, and show what is invisible.
    const chart = JSON.parse(box.querySelector("script").textContent, (_, value) => typeof value === "string" ? visible(value) : value);
    const drawn = () => {
      const width = Math.floor(box.clientWidth);
      if (width < 1 || width === box.suiteWidth) return;
      box.suiteWidth = width;
      fill(box, chart, width);
    };
    drawn();
    new ResizeObserver(drawn).observe(box);
  }

  return {
    // Let the rows stand out that are seen in the table.
    fade(group, seen) {
      for (const box of group.querySelectorAll(".chart")) {
        box.suiteSeen = seen;
        fade(box);
      }
    },
  };
})();
