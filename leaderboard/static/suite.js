// What all pages share: loading data that is written as scripts, untrusted text, and a page's state in its address.
"use strict";

const suite = {root: document.body.dataset.root, loaded: new Map(), waiting: new Map()};

// A file calls this with its name and its value: a page opened from disk may load scripts, but not read files.
suite.put = (path, value) => suite.loaded.set(path, value);

suite.load = (path) => {
  if (suite.loaded.has(path)) return Promise.resolve(suite.loaded.get(path));
  if (!suite.waiting.has(path)) {
    suite.waiting.set(path, new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = suite.root + path;
      script.onload = () => {
        script.remove();
        if (suite.loaded.has(path)) resolve(suite.loaded.get(path));
        else reject(new Error(`${path} holds something else`));
      };
      script.onerror = () => reject(new Error(`${path} cannot be read`));
      document.head.append(script);
    }));
  }
  return suite.waiting.get(path);
};

// Keys name files of the site; whatever else stands in an address is not followed.
suite.safe = (key) => /^[A-Za-z0-9_.+-]+\/[A-Za-z0-9_.+-]+$/.test(key || "") && !key.split("/").some((part) => /^\.+$/.test(part));

// An element; texts become text, never markup.
suite.make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
};

// A part of a drawing.
suite.draw = (tag, attributes, ...children) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

// Invisible and direction-changing characters as their code points.
suite.visible = (text) => text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, (character) =>
  character === "\n" || character === "\t" ? character
    : `⟨U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);

// A name in parts: it may be broken after _ and -.
suite.broken = (name) => suite.visible(name).split(/(?<=[_-])(?=.)/su)
  .flatMap((part, at) => at ? [suite.make("wbr"), part] : [part]);

suite.named = (name) => suite.make("bdi", {}, suite.broken(name));

// A line above each table that is wider than its room says that it scrolls.
suite.hints = (root = document) => {
  for (const box of root.querySelectorAll(".scroll")) {
    const hint = suite.make("p", {class: "scroll-hint", hidden: true}, "Scroll the table sideways for more columns →");
    box.before(hint);
    const watch = new ResizeObserver(() => { hint.hidden = box.scrollWidth <= box.clientWidth + 1; });
    watch.observe(box);
    if (box.firstElementChild) watch.observe(box.firstElementChild);
  }
};

// A stored text (or [its beginning, characters left out]): long ones folded.
suite.text = (stored) => {
  const [text, leftOut] = Array.isArray(stored) ? stored : [stored, 0];
  const shown = suite.visible(text);
  if (text.length <= 400 && text.split("\n").length < 9) return suite.make("bdi", {class: "pre"}, shown);
  const head = suite.visible(text.slice(0, 160).split(/\s+/).join(" "));
  return suite.make("details", {class: "long"},
    suite.make("summary", {}, suite.make("bdi", {}, head), " …"),
    suite.make("bdi", {class: "pre"}, shown),
    leftOut ? suite.make("p", {class: "cut"}, `cut here: ${leftOut.toLocaleString("en")} more characters are in the store`) : null);
};

suite.plain = (stored) => Array.isArray(stored) ? stored[0] : stored;

// One decimal with a true minus.
suite.number = (value, signed = false) => {
  const text = Math.abs(value).toFixed(1);
  return (Number(text) === 0 ? "" : value < 0 ? "−" : signed ? "+" : "") + text;
};

// The page's settings, kept in the part of its address after #.
suite.state = () => location.hash.includes("=") ? new URLSearchParams(location.hash.slice(1)) : new URLSearchParams();

suite.keep = (state) => {
  for (const [name, value] of [...state]) if (value === "") state.delete(name);
  const hash = state.toString();
  if (hash !== location.hash.slice(1) && (hash || location.hash.includes("="))) {
    history.replaceState(null, "", `#${hash}`);
  }
};

// Document by document scores of a step: 1 for right, 0 for wrong, or 0 to 1; null: the document has none.
suite.values = (column) => {
  if (column.values === null) return new Array(column.count).fill(null);
  if (Array.isArray(column.values)) return column.values.map((value) => value === null ? null : value / 100);
  return [...column.values].map((letter) => letter === "-" ? null : Number(letter));
};

suite.CHUNK = 200;

suite.chunk = async (name, number) => suite.load(`answers/${name.slice(0, 2)}/${name}-${number}.js`);

// What was asked and answered at these places of a task's documents, chunk by chunk.
suite.asked = async (column, place) => {
  const chunk = await suite.chunk(column.documents, Math.floor(place / suite.CHUNK)), at = place % suite.CHUNK;
  return {number: chunk.ids[at], question: chunk.questions[at], target: chunk.targets[at]};
};

suite.said = async (task, column, place) => {
  const chunk = await suite.chunk(task.sheet, Math.floor(place / suite.CHUNK)), at = place % suite.CHUNK;
  const part = chunk[task.columns.indexOf(column)], marks = part.marks[at] || 0;
  return {output: part.outputs[at], parsed: part.parsed[at], unparsable: (marks & 1) > 0, truncated: (marks & 2) > 0};
};

// An answer with its verdict.
suite.answer = (said, value) => {
  const verdict = value === null ? "–" : value === 1 ? "✓ right" : value === 0 ? "✗ wrong" : (100 * value).toPrecision(4);
  const kind = value === 1 ? "right" : value === 0 ? "wrong" : "score";
  return [
    suite.make("span", {class: `verdict ${kind}`}, verdict), " ",
    said.unparsable ? suite.make("span", {class: "mark"}, "unparsable") : null,
    said.truncated ? suite.make("span", {class: "mark", title: "the prompt was too long and lost its beginning"}, "truncated") : null,
    suite.make("div", {}, suite.plain(said.output) === "" ? suite.make("span", {class: "dim"}, "(empty)") : suite.text(said.output)),
    said.parsed === undefined ? null : suite.make("span", {class: "parsed"}, "read as: ", suite.text(said.parsed)),
  ];
};

suite.stored = (text) => suite.plain(text) === ""
  ? suite.make("span", {class: "dim", title: "the record has a hash of this text, not the text"}, "–") : suite.text(text);

suite.seeds = (seeds) => (seeds.length === 1 ? "seed " : "seeds ") + seeds.join(", ");

suite.pause = (ms, action) => {
  let timer = 0;
  return (...given) => { clearTimeout(timer); timer = setTimeout(() => action(...given), ms); };
};

// The way to the content leaves the address, and so the page's state, as it is.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});

suite.hints();
