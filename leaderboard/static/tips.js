// Explanations of numbers and marks: shown on hovering, on a click or a touch, and by keys.
// In a table, arrow keys go from one to the next. Without this script they are the browser's own tooltips.
"use strict";

(() => {
  const HOLDERS = "main :is(td, th, span, abbr, i):is([title], [data-tip])";
  const REACHED = "main :is(td, th, span, abbr, i):is([title], [data-tip]):not([aria-hidden])";  // by keys
  const box = suite.make("div", {id: "tip", role: "tooltip", class: "tip", hidden: true});
  document.body.append(box);
  let shown = null, pinned = false, timer = 0;

  // The text of an element; the browser's own tooltip is taken away, or both would be shown.
  function text(holder) {
    if (holder.title) {
      holder.dataset.tip = holder.title;
      holder.removeAttribute("title");
    }
    return holder.dataset.tip;
  }

  const holderOf = (target) => target instanceof Element && !target.closest("a, button, input, select, summary, label")
    ? target.closest(HOLDERS) : null;

  function show(holder, pin) {
    hide();
    box.textContent = suite.visible(text(holder));
    box.hidden = false;
    const at = holder.getBoundingClientRect(), own = box.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left), document.documentElement.clientWidth - own.width - 8);
    const below = at.bottom + 6 + own.height < window.innerHeight;
    box.style.left = `${Math.max(8, left) + window.scrollX}px`;
    box.style.top = `${(below ? at.bottom + 6 : Math.max(4, at.top - own.height - 6)) + window.scrollY}px`;
    holder.setAttribute("aria-describedby", "tip");
    shown = holder;
    pinned = pin;
  }

  function hide() {
    clearTimeout(timer);
    if (shown) shown.removeAttribute("aria-describedby");
    box.hidden = true;
    shown = null;
    pinned = false;
  }

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse" || pinned || box.contains(event.target)) return;
    const holder = holderOf(event.target);
    if (holder === shown) return;
    hide();
    if (!holder) return;
    text(holder);
    timer = setTimeout(() => show(holder, false), 250);
  });
  document.addEventListener("click", (event) => {
    if (box.contains(event.target)) return;
    const holder = holderOf(event.target), again = holder === shown && pinned;
    hide();
    if (holder && !again) show(holder, true);
  });
  document.addEventListener("focusin", ({target}) => {
    if (shown && target !== shown) hide();
    if (target.matches(REACHED) && target.matches(":focus-visible")) show(target, true);
  });
  document.addEventListener("focusout", ({target}) => { if (target === shown) hide(); });

  // The explanations of a table are one stop of the Tab key.
  const inTable = (table) => [...table.querySelectorAll("[title], [data-tip]")].filter((each) => each.matches(REACHED) && each.offsetParent);
  const column = (holder) => holder.closest("td, th").cellIndex;
  const stop = (table, holder) => {
    for (const other of table.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
    holder.tabIndex = 0;
  };

  function next(table, holder, key) {
    const all = inTable(table);
    if (key === "ArrowRight" || key === "ArrowLeft") return all[all.indexOf(holder) + (key === "ArrowRight" ? 1 : -1)];
    const rows = [...new Set(all.map((each) => each.closest("tr")))], step = key === "ArrowDown" ? 1 : -1;
    for (let at = rows.indexOf(holder.closest("tr")) + step; rows[at]; at += step) {
      const found = all.find((each) => each.closest("tr") === rows[at] && column(each) === column(holder));
      if (found) return found;
    }
    return undefined;
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      hide();
      return;
    }
    const holder = event.target.matches?.(REACHED) ? event.target : null, table = holder?.closest("table");
    if (!holder) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (shown === holder) hide();
      else show(holder, true);
    } else if (table && event.key.startsWith("Arrow")) {
      event.preventDefault();
      const other = next(table, holder, event.key);
      if (!other) return;
      stop(table, other);
      other.focus();
    }
  });

  // Where the Tab key stops: at the first explanation of each table, and at each outside of tables.
  function prepare() {
    for (const table of document.querySelectorAll("main table")) {
      const first = [...table.querySelectorAll("tbody [title]")].find((each) => each.matches(REACHED));
      if (first && !table.querySelector("[tabindex='0']")) first.tabIndex = 0;
    }
    for (const holder of document.querySelectorAll(REACHED)) if (!holder.closest("table")) holder.tabIndex = 0;
  }

  prepare();
  // pages that scripts fill get theirs when they are filled
  new MutationObserver(suite.pause(100, prepare)).observe(document.getElementById("main"), {childList: true, subtree: true});
})();
