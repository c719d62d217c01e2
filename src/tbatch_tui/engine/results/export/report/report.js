"use strict";
// Everything that comes from files is set as text. Nothing here makes markup of it.
(() => {
  const byId = (id) => document.getElementById(id);
  const all = JSON.parse(byId("summary").textContent);
  const blocks = document.querySelectorAll("script.rows");
  const total = all.codes.length;
  const list = byId("list"), space = byId("space"), search = byId("search"), scope = byId("scope");
  const ID = 0, LINE = 1, MODEL = 2, ASKED = 3, ANSWERS = 4, FAILED = 5, TOKENS_IN = 6, TOKENS_OUT = 7, THOUGHT = 8,
    ISSUE = 9;
  const TALLEST = 8000000; // pixels: browsers draw nothing that is much taller
  const SHOWN_AT_ONCE = 20; // milliseconds of work between two frames
  const PRINTED = 500;
  const KEPT = 60;

  // -- rows: a block of them is read when one is needed, and a few blocks are kept
  const kept = new Map();
  function row(number) {
    const at = Math.floor(number / all.block);
    let rows = kept.get(at);
    if (rows === undefined) {
      rows = JSON.parse(blocks[at].textContent);
      if (kept.size >= KEPT) kept.delete(kept.keys().next().value);
    } else {
      kept.delete(at);
    }
    kept.set(at, rows);
    return rows[number % all.block];
  }
  const outcome = (number) => all.outcomes[all.codes.charCodeAt(number) - 48];
  const messageText = (message) => typeof message[1] === "number" ? all.shared[message[1]] : message[1];
  const asked = (data) => data[ASKED].length ? messageText(data[ASKED][data[ASKED].length - 1]) : "";

  // -- which rows are shown
  let chosen = new Set(), found = [], searching = 0, open = -1, pending = null;
  const wanted = (number) => chosen.size === 0 || chosen.has(outcome(number));
  function textsOf(data, where) {
    const texts = [];
    if (where === "all" || where === "id") texts.push(data[ID]);
    if (where === "all" || where === "answer") texts.push(...data[ANSWERS], data[THOUGHT]);
    if (where === "all" || where === "error") texts.push(data[FAILED]);
    if (where === "all" || where === "request") texts.push(...data[ASKED].map(messageText));
    return texts;
  }
  function select() {
    const turn = ++searching, term = search.value.toLowerCase(), where = scope.value;
    let number = 0;
    found = [];
    list.scrollTop = 0;
    remember();
    function go() {
      if (turn !== searching) return;
      const until = performance.now() + SHOWN_AT_ONCE;
      while (number < total && (number % 64 || performance.now() < until)) {
        if (wanted(number) && (!term || textsOf(row(number), where).some((text) => text.toLowerCase().includes(term)))) {
          found.push(number);
        }
        number++;
      }
      const count = found.length.toLocaleString("en"), of = total.toLocaleString("en");
      byId("found").textContent = (found.length === total ? of : `${count} of ${of}`) + " rows" +
        (number < total ? " so far …" : "");
      draw();
      if (number < total) setTimeout(go);
      else if (pending !== null) {
        const place = found.findIndex((candidate) => row(candidate)[ID] === pending);
        pending = null;
        show(place);
      }
    }
    go();
  }

  // -- the list: only the rows in view are elements
  let height = 56;
  function draw() {
    const full = found.length * height, shown = Math.min(full, TALLEST), view = list.clientHeight || 600;
    space.style.height = `${shown}px`;
    const share = shown > view ? Math.min(1, list.scrollTop / (shown - view)) : 0;
    const top = share * Math.max(0, full - view);
    const first = Math.max(0, Math.floor(top / height) - 4);
    const last = Math.min(found.length, Math.ceil((top + view) / height) + 4);
    const focused = document.activeElement && document.activeElement.dataset.place;
    const elements = [];
    for (let place = first; place < last; place++) {
      const element = line(found[place], place);
      element.style.top = `${place * height - top + list.scrollTop}px`;
      elements.push(element);
    }
    space.replaceChildren(...elements);
    if (focused !== undefined) {
      const again = space.querySelector(`[data-place="${Number(focused)}"]`);
      if (again) again.focus({ preventScroll: true });
    }
  }
  function part(tag, name, text) {
    const element = document.createElement(tag);
    element.className = name;
    element.textContent = text;
    return element;
  }
  const short = (text) => text.slice(0, 300).replace(/\s+/g, " ");
  function line(number, place) {
    const data = row(number), words = outcome(number);
    const element = part("button", "row", "");
    element.dataset.place = place;
    element.append(
      part("span", words.replace(" ", "-"), words),
      part("span", "id", data[ID]),
      part("span", "asked", short(asked(data))),
      part("span", "said", short(data[ANSWERS].length && words !== "invalid" ? data[ANSWERS].join(" · ") :
        data[FAILED] || data[ANSWERS].join(" · ")))
    );
    element.addEventListener("click", () => show(place));
    return element;
  }
  list.addEventListener("scroll", () => requestAnimationFrame(draw));
  addEventListener("resize", draw);
  list.addEventListener("keydown", (event) => {
    const place = Number(document.activeElement.dataset.place ?? -1);
    const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = Math.min(found.length - 1, Math.max(0, place + step));
    reveal(next);
    const element = space.querySelector(`[data-place="${next}"]`);
    if (element) element.focus({ preventScroll: true });
  });
  function reveal(place) {
    const view = list.clientHeight, full = found.length * height, shown = Math.min(full, TALLEST);
    const scale = full > view ? (shown - view) / (full - view) : 1;
    const top = place * height, above = list.scrollTop / (scale || 1);
    if (top < above) list.scrollTop = top * scale;
    else if (top + height > above + view) list.scrollTop = (top + height - view) * scale;
    draw();
  }

  // -- one record
  const dialog = byId("record");
  function turns(number) {
    const data = row(number), parts = [];
    const add = (title, text, name = "") => {
      const turn = part("div", "turn", "");
      turn.append(part("h3", name, title), part("pre", "", text));
      parts.push(turn);
    };
    for (const message of data[ASKED]) add(message[0], messageText(message));
    if (data[THOUGHT]) add("reasoning", data[THOUGHT]);
    data[ANSWERS].forEach((answer, at) => add(data[ANSWERS].length > 1 ? `answer ${at + 1}` : "answer", answer));
    if (data[FAILED]) add(outcome(number), data[FAILED], outcome(number).replace(" ", "-"));
    return parts;
  }
  function facts(number) {
    const data = row(number), parts = [outcome(number)];
    if (data[ISSUE]) parts.push(data[ISSUE]);
    if (data[LINE] !== null) parts.push(`line ${data[LINE].toLocaleString("en")}`);
    if (data[MODEL]) parts.push(data[MODEL]);
    if (data[TOKENS_IN] !== null) parts.push(`${data[TOKENS_IN].toLocaleString("en")} tokens in`);
    if (data[TOKENS_OUT] !== null) parts.push(`${data[TOKENS_OUT].toLocaleString("en")} out`);
    return parts.join(" · ");
  }
  function show(place) {
    if (place < 0 || place >= found.length) return;
    open = place;
    const number = found[place];
    byId("record-title").textContent = row(number)[ID];
    byId("record-body").replaceChildren(part("p", "quiet", facts(number)), ...turns(number));
    byId("earlier").disabled = place === 0;
    byId("later").disabled = place === found.length - 1;
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    remember();
  }
  byId("earlier").addEventListener("click", () => show(open - 1));
  byId("later").addEventListener("click", () => show(open + 1));
  byId("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "j" || event.key === "J") show(open + 1);
    if (event.key === "k" || event.key === "K") show(open - 1);
  });
  dialog.addEventListener("close", () => { reveal(open); open = -1; remember(); });

  // -- outcomes, the address, print
  const counts = new Map();
  for (let number = 0; number < total; number++) counts.set(outcome(number), (counts.get(outcome(number)) || 0) + 1);
  for (const words of all.outcomes) {
    if (!counts.has(words)) continue;
    const button = part("button", words.replace(" ", "-"), `${words} ${counts.get(words).toLocaleString("en")}`);
    button.dataset.outcome = words;
    button.addEventListener("click", () => {
      chosen.has(words) ? chosen.delete(words) : chosen.add(words);
      press();
      select();
    });
    byId("outcomes").append(button);
  }
  function press() {
    for (const button of byId("outcomes").children) {
      button.setAttribute("aria-pressed", String(chosen.has(button.dataset.outcome)));
    }
  }
  function remember() {
    const state = new URLSearchParams();
    if (search.value) state.set("q", search.value);
    if (scope.value !== "all") state.set("in", scope.value);
    if (chosen.size) state.set("outcome", [...chosen].join(","));
    if (open >= 0) state.set("row", row(found[open])[ID]);
    try { history.replaceState(null, "", state.size ? `#${state}` : "#"); } catch { /* not where it is a file */ }
  }
  function recall() {
    const state = new URLSearchParams(location.hash.slice(1));
    search.value = state.get("q") || "";
    if ([...scope.options].some((option) => option.value === state.get("in"))) scope.value = state.get("in");
    chosen = new Set((state.get("outcome") || "").split(",").filter((words) => counts.has(words)));
    press();
    pending = state.get("row");
    select();
  }
  let typed = 0;
  search.addEventListener("input", () => { clearTimeout(typed); typed = setTimeout(select, 150); });
  scope.addEventListener("change", select);
  addEventListener("beforeprint", () => {
    const articles = found.slice(0, PRINTED).map((number) => {
      const article = document.createElement("article");
      article.append(part("h3", "", row(number)[ID]), part("p", "quiet", facts(number)), ...turns(number));
      return article;
    });
    if (found.length > PRINTED) {
      articles.push(part("p", "", `The first ${PRINTED} of ${found.length.toLocaleString("en")} rows.`));
    }
    byId("printed").replaceChildren(...articles);
  });
  addEventListener("afterprint", () => byId("printed").replaceChildren());
  recall();
  if (space.firstChild) height = space.firstChild.getBoundingClientRect().height || height;
  draw();
})();
