/*
 * What pages do in the browser. Each part below looks for its own data-attributes and leaves a
 * page without them alone; what can work without a script does.
 *
 *    Texts and storage    Menus and drawer    Theme         Keys of links    Search keys
 *    Confirmation         Messages            Tabs          Lists            Filters
 *    Lookup fields        Record forms        Previews      Small things
 */
"use strict";

/* ---- Texts and storage -------------------------------------------------------------------- */

/** Sentences in the reader's language, from dialogs.html. */
const texts = document.getElementById("texts")?.dataset ?? {};

function token() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

/** Local storage may be switched off; then choices are simply not remembered. */
const memory = {
  read(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  write(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch {
      /* not remembered */
    }
  },
};

function isTyping(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

/* ---- Menus and drawer ---------------------------------------------------------------------- */

function setUpMenus() {
  const openMenus = () => document.querySelectorAll("details.menu[open]");

  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
      event.preventDefault();
    }
  });
  for (const menu of document.querySelectorAll("details.menu")) {
    menu.addEventListener("keydown", (event) => moveInMenu(menu, event));
  }
}

/** Arrow keys go from entry to entry of an open menu. */
function moveInMenu(menu, event) {
  if (!["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const items = [...menu.querySelectorAll(".menu-item")];
  if (items.length === 0) return;
  event.preventDefault();
  menu.open = true;
  const step = event.key === "ArrowDown" ? 1 : -1;
  const now = items.indexOf(document.activeElement);
  const next = now < 0 && step < 0 ? items.length - 1 : (now + step + items.length) % items.length;
  items[next].focus();
}

function setUpDrawer() {
  const button = document.querySelector("[data-drawer]");
  const side = document.getElementById("side");
  if (!button || !side) return;
  const here = side.querySelector("[aria-current]");
  if (here && here.offsetTop + here.offsetHeight > side.clientHeight) side.scrollTop = here.offsetTop - side.clientHeight / 2;

  const show = (open) => {
    document.body.classList.toggle("drawer-open", open);
    button.setAttribute("aria-expanded", String(open));
    if (open) side.querySelector("a").focus();
  };
  button.addEventListener("click", () => show(!document.body.classList.contains("drawer-open")));
  document.addEventListener("click", (event) => {
    if (!side.contains(event.target) && !button.contains(event.target)) show(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.body.classList.contains("drawer-open")) {
      show(false);
      button.focus();
      event.preventDefault();
    }
  });
}

/* ---- Theme ---------------------------------------------------------------------------------- */

function setUpTheme() {
  const form = document.querySelector("[data-theme-form]");
  form?.addEventListener("submit", async (event) => {
    const chosen = event.submitter;
    if (!chosen) return;
    event.preventDefault();
    document.documentElement.dataset.theme = chosen.value;
    for (const button of form.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button === chosen));
    }
    form.closest("details").open = false;
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        headers: { "X-CSRFToken": token() },
        body: new URLSearchParams({ theme: chosen.value }),
      });
      if (!answer.ok) throw new Error(answer.statusText);
    } catch {
      say(texts.notSaved);
    }
  });
}

/* ---- Keys of links ----------------------------------------------------------------------------- */

/** A link with data-key is followed by that key, as long as nobody types and no menu uses it. */
function setUpLinkKeys() {
  const links = [...document.querySelectorAll("a[data-key]")];
  if (links.length === 0) return;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (event.defaultPrevented || isTyping(event.target)) return;
    if (document.querySelector("dialog[open], details.menu[open]")) return;
    const link = links.find((one) => one.dataset.key.toLowerCase() === event.key.toLowerCase());
    if (!link) return;
    event.preventDefault();
    link.click();
  });
}

/* ---- Search keys ------------------------------------------------------------------------------ */

function setUpSearchKeys() {
  const box = document.querySelector("[data-global-search]");
  if (!box) return;
  document.addEventListener("keydown", (event) => {
    const slash = event.key === "/" && !isTyping(event.target) && !event.ctrlKey && !event.metaKey;
    const palette = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
    if (slash || palette) {
      event.preventDefault();
      box.focus();
      box.select();
    }
  });
}

/* ---- Confirmation ------------------------------------------------------------------------------- */

/** Ask in the page's dialog; resolves to true when the person wants to go on. */
function ask(question, yes, tone = "danger") {
  const dialog = document.getElementById("confirm");
  const button = dialog.querySelector("[data-yes]");
  button.dataset.usual ??= button.textContent;
  button.textContent = yes || button.dataset.usual;
  button.classList.toggle("danger", tone === "danger");
  button.classList.toggle("primary", tone !== "danger");
  document.getElementById("confirm-text").textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** `data-confirm` on a form, or on one of its buttons, asks before anything is sent. */
function setUpConfirmation() {
  const agreed = new WeakSet();

  document.addEventListener(
    "submit",
    async (event) => {
      const form = event.target;
      const button = event.submitter;
      const asking = [button, form].find((part) => part?.dataset.confirm);
      if (!asking || agreed.delete(form)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const label = asking.dataset.confirmButton ?? button?.textContent.trim();
      if (await ask(asking.dataset.confirm, label, asking.dataset.confirmTone)) {
        agreed.add(form);
        form.requestSubmit(button);
      }
    },
    true,
  );
}

/* ---- Messages ------------------------------------------------------------------------------------- */

/** Show a sentence that passes by itself. */
function say(text) {
  let toasts = document.querySelector(".toasts");
  if (!toasts) {
    toasts = document.createElement("div");
    toasts.className = "toasts";
    toasts.setAttribute("role", "status");
    document.body.append(toasts);
  }
  const toast = document.createElement("div");
  toast.className = "toast";
  const words = document.createElement("p");
  words.textContent = text;
  toast.append(words);
  toasts.append(toast);
  letPass(toast);
}

function letPass(toast) {
  const stay = toast.querySelector("form") ? 15000 : 7000; // what can be taken back stays longer
  let timer = setTimeout(() => toast.remove(), stay);
  for (const enter of ["pointerenter", "focusin"]) {
    toast.addEventListener(enter, () => clearTimeout(timer));
  }
  for (const leave of ["pointerleave", "focusout"]) {
    toast.addEventListener(leave, () => {
      clearTimeout(timer);
      timer = setTimeout(() => toast.remove(), stay);
    });
  }
}

function setUpMessages() {
  for (const toast of document.querySelectorAll("[data-toast]")) {
    toast.querySelector("[data-close]").addEventListener("click", () => toast.remove());
    letPass(toast);
  }
  document.querySelector("[data-problems]")?.focus();
  for (const link of document.querySelectorAll("[data-go-to-field]")) {
    link.addEventListener("click", (event) => {
      const field = document.getElementById(link.hash.slice(1));
      if (!field) return;
      event.preventDefault();
      field.scrollIntoView({ block: "center" });
      const control = field.matches("fieldset") ? field.querySelector("input") : field;
      control?.focus({ preventScroll: true });
    });
  }
}

/* ---- Tabs -------------------------------------------------------------------------------------------- */

/** Turn a list of links to sections into tabs; the address keeps which one is open. */
function setUpTabs() {
  for (const box of document.querySelectorAll("[data-tabs]")) {
    const list = box.querySelector(".tab-list");
    const tabs = [...list.querySelectorAll("a")];
    const panelOf = (tab) => document.getElementById(tab.hash.slice(1));

    const select = (chosen) => {
      for (const tab of tabs) {
        tab.setAttribute("aria-selected", String(tab === chosen));
        tab.tabIndex = tab === chosen ? 0 : -1;
        panelOf(tab).hidden = tab !== chosen;
      }
    };
    list.setAttribute("role", "tablist");
    for (const tab of tabs) {
      const panel = panelOf(tab);
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", panel.id);
      panel.setAttribute("role", "tabpanel");
      tab.addEventListener("click", (event) => {
        event.preventDefault();
        select(tab);
        history.replaceState(null, "", tab.hash);
      });
    }
    list.addEventListener("keydown", (event) => {
      const now = tabs.indexOf(document.activeElement);
      const next = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      const tab = tabs[(next + tabs.length) % tabs.length];
      select(tab);
      tab.focus();
    });
    box.classList.add("tabs-ready");
    select(tabs.find((tab) => tab.hash === location.hash) ?? tabs[0]);
  }
}

/* ---- Lists --------------------------------------------------------------------------------------------- */

function setUpLists() {
  for (const list of document.querySelectorAll("[data-list]")) {
    setUpSelection(list);
    setUpRowKeys(list);
  }
  setUpDensity();
}

/** While rows are selected, what can be done with them takes the place of the search bar. */
function setUpSelection(list) {
  const bar = list.querySelector("[data-selection]");
  const all = list.querySelector("[data-select-all]");
  if (!bar || !all) return;
  const boxes = [...list.querySelectorAll('input[name="rowid"]')];
  let last = null;

  const refresh = () => {
    const count = boxes.filter((box) => box.checked).length;
    bar.hidden = count === 0;
    list.querySelector("[data-toolbar]").hidden = count > 0;
    bar.querySelector("[data-selected-count]").textContent = texts.selected.replace("{count}", count);
    all.checked = count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
  };
  const set = (checked) => {
    for (const box of boxes) box.checked = checked;
    refresh();
  };
  all.addEventListener("change", () => set(all.checked));
  bar.querySelector("[data-select-none]").addEventListener("click", () => set(false));
  for (const box of boxes) {
    box.addEventListener("click", (event) => {
      if (event.shiftKey && last) selectBetween(boxes, last, box);
      last = box;
      refresh();
    });
  }
  refresh(); // the browser may have kept ticks from before
}

function selectBetween(boxes, one, other) {
  const [from, to] = [boxes.indexOf(one), boxes.indexOf(other)].sort((a, b) => a - b);
  for (const box of boxes.slice(from, to + 1)) box.checked = other.checked;
}

/** j and k go down and up the rows, x selects one, d does what its button does, Enter opens it as
    any link; with `data-arrows` the arrows go up and down too. */
function setUpRowKeys(list) {
  const links = [...list.querySelectorAll("td.title a")];
  const arrows = "arrows" in list.dataset;
  document.addEventListener("keydown", (event) => {
    const isBox = event.target.matches('input[name="rowid"]');
    if ((isTyping(event.target) && !isBox) || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = event.target.closest("tr");
    const now = links.findIndex((link) => link.closest("tr") === row);
    const down = event.key === "j" || (arrows && event.key === "ArrowDown");
    if (down || event.key === "k" || (arrows && event.key === "ArrowUp")) {
      if (arrows) event.preventDefault(); // the page would scroll as well
      const next = down ? now + 1 : Math.max(now - 1, 0);
      links[Math.min(next, links.length - 1)]?.focus();
    } else if (event.key === "x" && now >= 0) {
      row.querySelector('input[name="rowid"]')?.click();
    } else if (event.key === "d" && now >= 0) {
      row.querySelector("[data-row-action]")?.click();
    }
  });
}

function setUpDensity() {
  const key = "crm-density";
  const show = (density) => {
    document.documentElement.dataset.density = density;
    for (const button of document.querySelectorAll("[data-density]:not(html)")) {
      button.setAttribute("aria-pressed", String(density === "compact"));
    }
  };
  show(memory.read(key) === "compact" ? "compact" : "normal");
  for (const button of document.querySelectorAll("button[data-density]")) {
    button.addEventListener("click", () => {
      const density = button.getAttribute("aria-pressed") === "true" ? "normal" : "compact";
      memory.write(key, density);
      show(density);
    });
  }
}

/* ---- Filters ----------------------------------------------------------------------------------------------- */

/** First the field, then the condition, then a control that fits; the condition names the value. */
function setUpFilters() {
  for (const menu of document.querySelectorAll("[data-filters]")) {
    const field = menu.querySelector("[data-filter-field]");
    const sets = [...menu.querySelectorAll("[data-filter]")];
    const showField = () => {
      for (const set of sets) {
        set.disabled = set.hidden = set.dataset.filter !== field.value;
        if (!set.disabled) showValue(set);
      }
    };
    field.addEventListener("change", showField);
    for (const set of sets) {
      set.querySelector("[data-filter-operation]").addEventListener("change", () => showValue(set));
    }
    showField();
  }
}

function showValue(set) {
  const operation = set.querySelector("[data-filter-operation]").selectedOptions[0];
  const box = set.querySelector("[data-filter-value]");
  const options = box.querySelector("[data-filter-options]");
  const { kind, lookupUrl } = operation.dataset;

  for (const made of box.querySelectorAll("[data-made]")) made.remove();
  if (options) {
    options.hidden = options.disabled = kind !== "choice";
    options.name = operation.value;
  }
  if (kind === "choice" && options) return;
  const control = lookupUrl ? makeLookup(operation.value, lookupUrl, box.dataset.label) : makeInput(operation.value, kind, box.dataset.label);
  control.dataset.made = "";
  box.append(control);
}

function makeInput(name, kind, label) {
  const input = document.createElement("input");
  input.name = name;
  input.setAttribute("aria-label", label);
  if (kind === "none") {
    input.type = "hidden";
    input.value = "1";
  } else {
    input.type = kind === "date" ? "date" : "text";
    input.className = "input";
    input.autocomplete = "off";
    input.required = true;
    if (kind === "number") input.inputMode = "decimal";
  }
  return input;
}

function makeLookup(name, url, label) {
  const id = `lookup-${name}`;
  const lookup = document.createElement("div");
  lookup.className = "lookup";
  lookup.dataset.lookup = url;
  lookup.innerHTML =
    '<input type="hidden"><div class="lookup-box">' +
    '<input class="input" role="combobox" type="text" autocomplete="off" aria-autocomplete="list" aria-expanded="false">' +
    '<ul class="lookup-list" role="listbox" hidden></ul></div>';
  const box = lookup.querySelector('[role="combobox"]');
  const list = lookup.querySelector('[role="listbox"]');
  lookup.querySelector('[type="hidden"]').name = name;
  list.id = id;
  box.setAttribute("aria-controls", id);
  for (const part of [box, list]) part.setAttribute("aria-label", label);
  setUpLookup(lookup);
  return lookup;
}

/* ---- Lookup fields ------------------------------------------------------------------------------------------- */

const NO_RECORD = "__None";

/** A combobox over records: asks the server while one types, keeps the chosen record's number. */
function setUpLookup(lookup) {
  const value = lookup.querySelector('input[type="hidden"]');
  const box = lookup.querySelector('[role="combobox"]');
  const list = lookup.querySelector('[role="listbox"]');
  const clear = lookup.querySelector("[data-clear]");
  let chosen = box.value;
  let active = -1;
  let timer = 0;
  let request = null;

  const options = () => [...list.querySelectorAll('[role="option"]')];

  const close = () => {
    clearTimeout(timer);
    request?.abort();
    list.hidden = true;
    active = -1;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const open = () => {
    list.hidden = false;
    box.setAttribute("aria-expanded", "true");
  };
  const note = (text) => {
    const line = document.createElement("li");
    line.className = "lookup-note";
    line.setAttribute("role", "option");
    line.setAttribute("aria-disabled", "true");
    line.textContent = text;
    list.replaceChildren(line);
    open();
  };
  const choose = (id, label) => {
    value.value = id;
    box.value = chosen = label;
    box.setCustomValidity("");
    if (clear) clear.hidden = id === NO_RECORD;
    close();
    value.dispatchEvent(new Event("change", { bubbles: true }));
    if (lookup.dataset.several) chosen = ""; // it has a box of its own now
  };
  const highlight = (index) => {
    const all = options().filter((option) => !option.hasAttribute("aria-disabled"));
    if (all.length === 0) return;
    active = (index + all.length) % all.length;
    all.forEach((option, place) => option.setAttribute("aria-selected", String(place === active)));
    box.setAttribute("aria-activedescendant", all[active].id);
    all[active].scrollIntoView({ block: "nearest" });
  };
  const show = (found) => {
    if (found.length === 0) {
      note(texts.nothingFound);
      return;
    }
    list.replaceChildren(
      ...found.map(([id, label], index) => {
        const option = document.createElement("li");
        option.id = `${list.id}-${index}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.dataset.id = id;
        option.textContent = label;
        return option;
      }),
    );
    open();
    highlight(0);
  };
  const search = async (words) => {
    request?.abort();
    request = new AbortController();
    const url = new URL(lookup.dataset.lookup, location.href);
    url.searchParams.set("query", words);
    url.searchParams.set("limit", "10");
    const narrower = `input[type="hidden"][name="${lookup.dataset.within}"]`;
    const other = lookup.dataset.within && lookup.closest("form")?.querySelector(narrower);
    if (other && other.value && other.value !== NO_RECORD) url.searchParams.set("within", other.value);
    try {
      const answer = await fetch(url, { signal: request.signal, headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.statusText);
      show(await answer.json());
    } catch (problem) {
      if (problem.name !== "AbortError") note(texts.searchFailed);
    }
  };
  const searchSoon = (words) => {
    clearTimeout(timer);
    timer = setTimeout(() => search(words), 180);
  };
  /** Leaving the field: an emptied one means none, anything else half typed goes back. */
  const settle = () => {
    if (box.value.trim() === "" && chosen !== "" && clear) choose(NO_RECORD, "");
    else box.value = chosen;
    box.setCustomValidity("");
    close();
  };
  const isHalfTyped = () => box.value !== chosen && box.value.trim() !== "";

  box.addEventListener("input", (event) => {
    list.replaceChildren(); // what it holds was found for other words
    active = -1;
    box.setCustomValidity(isHalfTyped() ? texts.notChosen : "");
    if (!event.isComposing) searchSoon(box.value);
  });
  box.form?.addEventListener("submit", () => {
    if (!isHalfTyped()) settle();
  });
  box.addEventListener("compositionend", () => searchSoon(box.value));
  box.addEventListener("click", () => {
    if (list.hidden) search(box.value === chosen ? "" : box.value);
  });
  box.addEventListener("blur", settle);
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) search(box.value === chosen ? "" : box.value);
      else highlight(active + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      const option = list.hidden ? null : options()[active];
      if (option?.dataset.id) choose(option.dataset.id, option.textContent);
      else if (isHalfTyped()) search(box.value);
      else if (list.hidden) return;
      event.preventDefault();
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      box.value = chosen;
      box.setCustomValidity("");
      close();
    }
  });
  list.addEventListener("mousedown", (event) => {
    event.preventDefault(); // or the box would lose focus before the click
    const option = event.target.closest("[data-id]");
    if (option) choose(option.dataset.id, option.textContent);
  });
  clear?.addEventListener("click", () => {
    choose(NO_RECORD, "");
    box.focus();
  });
}

/** A search that adds to several: what is chosen gets a box of its own, and the search is empty again. */
function setUpSeveral(lookup) {
  const chosen = lookup.closest("fieldset").querySelector("[data-chosen]");
  const value = lookup.querySelector('input[type="hidden"]');
  const box = lookup.querySelector('[role="combobox"]');
  value.addEventListener("change", () => {
    if (value.value === NO_RECORD) return;
    const kept = [...chosen.querySelectorAll("input")].find((one) => one.value === value.value);
    if (kept) kept.checked = true;
    else chosen.append(chosenOne(lookup.dataset.several, value.value, box.value));
    value.value = NO_RECORD;
    box.value = "";
  });
}

function chosenOne(name, id, title) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  const words = document.createElement("span");
  label.className = "check";
  Object.assign(input, { type: "checkbox", name, value: id, checked: true });
  words.textContent = title;
  label.append(input, words);
  return label;
}

/* ---- Record forms -------------------------------------------------------------------------------------------- */

/** Keys to save and cancel, a warning before what was typed gets lost, and no sending twice. */
function setUpRecordForm() {
  const form = document.querySelector("[data-record-form]");
  if (!form) return;
  const state = form.querySelector("[data-form-state]");
  // After a refused save the form holds what is not saved anywhere.
  let changed = document.querySelector("[data-problems], .notice.warning [name=_keep_mine]") !== null;
  let sent = false;
  if ("focusFirst" in form.dataset) {
    const first = '.has-error .input, [role="combobox"], .input, [type="checkbox"]';
    (form.querySelector(".has-error .input") ?? form.querySelector(first))?.focus();
  }

  for (const kind of ["input", "change"]) {
    form.addEventListener(kind, (event) => {
      if (event.target.getAttribute("role") === "combobox") return; // only choosing counts
      changed = true;
      state.textContent = texts.changed;
    });
  }
  const leave = async (url) => {
    if (!changed || (await ask(texts.unsaved, texts.leave))) {
      changed = false;
      location.assign(url);
    }
  };
  form.querySelector("[data-cancel-link]").addEventListener("click", (event) => {
    event.preventDefault();
    leave(form.dataset.cancel);
  });
  for (const link of form.querySelectorAll("[data-no-warning]")) {
    link.addEventListener("click", () => (changed = false));
  }
  form.addEventListener("submit", (event) => {
    const halfTyped = [...form.elements].find(
      (control) => control.validity?.badInput || control.validity?.customError,
    );
    if (halfTyped) {
      halfTyped.reportValidity(); // half a date, or half a name, would be sent as none
      event.preventDefault();
    } else if (sent) {
      event.preventDefault();
    } else {
      sent = true;
      changed = false;
    }
  });
  addEventListener("beforeunload", (event) => {
    if (changed) event.preventDefault();
  });
  addEventListener("pageshow", () => (sent = false));
  document.addEventListener("keydown", (event) => {
    const control = event.ctrlKey || event.metaKey;
    if (control && event.key.toLowerCase() === "s") {
      event.preventDefault();
      form.requestSubmit(form.querySelector('[name="_continue_editing"]'));
    } else if (control && event.key === "Enter") {
      event.preventDefault();
      const further = event.shiftKey && form.querySelector("[data-shift-enter]");
      form.requestSubmit(further || form.querySelector(".save-bar .primary"));
    } else if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]")) {
      event.preventDefault(); // or this same key would close the question
      leave(form.dataset.cancel);
    }
  });
}

/* ---- Previews -------------------------------------------------------------------------------- */

/** What a form would lead to, asked for again while one types; only the fields it names are sent. */
function setUpPreview() {
  const box = document.querySelector("[data-preview]");
  const form = box?.closest("form");
  if (!form) return;
  const names = box.dataset.previewOf.split(" ");
  let timer = 0;
  let request = null;

  const refresh = async () => {
    request?.abort();
    request = new AbortController();
    const url = new URL(box.dataset.preview, location.href);
    for (const name of names) {
      const control = form.elements[name];
      if (control && (control.type !== "checkbox" || control.checked)) url.searchParams.set(name, control.value);
    }
    try {
      const answer = await fetch(url, { signal: request.signal, redirect: "error" });
      if (!answer.ok) throw new Error(answer.statusText);
      box.innerHTML = await answer.text();
    } catch (problem) {
      if (problem.name !== "AbortError") box.textContent = texts.searchFailed;
    }
  };
  for (const kind of ["input", "change"]) {
    form.addEventListener(kind, (event) => {
      if (!names.includes(event.target.name)) return;
      clearTimeout(timer);
      timer = setTimeout(refresh, 300);
    });
  }
}

/** What belongs to the record that a form's field names is fetched anew when another is chosen. */
function setUpFollowers() {
  for (const box of document.querySelectorAll("[data-follows]")) {
    const form = box.closest("form");
    form?.addEventListener("change", async (event) => {
      if (event.target.name !== box.dataset.follows) return;
      const url = new URL(box.dataset.url, location.href);
      url.searchParams.set(event.target.name, event.target.value);
      try {
        const answer = await fetch(url);
        if (!answer.ok) throw new Error(answer.statusText);
        box.innerHTML = await answer.text();
      } catch {
        box.replaceChildren(); // better nothing than somebody else's
      }
    });
  }
}

/** A choice whose groups belong to the choices of another field: only those of the chosen one. */
function setUpGroupedChoices() {
  for (const choice of document.querySelectorAll("[data-groups-by]")) {
    const other = choice.form.elements[choice.dataset.groupsBy];
    const groups = [...choice.querySelectorAll("optgroup")];
    const show = () => {
      const key = choice.value;
      for (const group of groups) group.remove(); // not every browser hides what is hidden here
      choice.append(...groups.filter((group) => group.label === other.selectedOptions[0]?.text));
      choice.value = key;
      if (choice.selectedIndex < 0) choice.selectedIndex = 0;
    };
    other.addEventListener("change", show);
    show();
  }
}

/* ---- Small things ---------------------------------------------------------------------------------------------- */

/** j and k go through the entries of a short list, d does what an entry's button does. */
function setUpKeyRows(list) {
  const links = [...list.querySelectorAll("[data-row-link]")];
  document.addEventListener("keydown", (event) => {
    if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    const now = links.findIndex((link) => link.closest("li") === event.target.closest?.("li"));
    if (event.key === "j" || event.key === "k") {
      const next = event.key === "j" ? now + 1 : Math.max(now - 1, 0);
      links[Math.min(next, links.length - 1)]?.focus();
    } else if (event.key === "d" && now >= 0) {
      links[now].closest("li").querySelector("[data-row-action]")?.click();
    }
  });
}

/** The key that an entry names leads to it, unless one is typing. */
function setUpFocusKeys() {
  const fields = [...document.querySelectorAll("[data-focus-key]")];
  if (!fields.length) return;
  document.addEventListener("keydown", (event) => {
    if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    const field = fields.find((one) => one.dataset.focusKey === event.key);
    if (!field) return;
    event.preventDefault();
    field.focus();
  });
}

function setUpSmallThings() {
  document.querySelector("[data-print]")?.addEventListener("click", () => print());
  const first = document.querySelector("[data-focus]")?.dataset.focus;
  if (first && !document.querySelector("[data-problems]")) document.getElementById(first)?.focus();
  for (const form of document.querySelectorAll("[data-submit-on-change]")) {
    form.addEventListener("change", () => form.requestSubmit());
  }
}

setUpMenus();
setUpDrawer();
setUpTheme();
setUpSearchKeys();
setUpLinkKeys();
setUpConfirmation();
setUpMessages();
setUpTabs();
setUpLists();
setUpFilters();
document.querySelectorAll("[data-lookup]").forEach(setUpLookup);
document.querySelectorAll("[data-several]").forEach(setUpSeveral);
setUpRecordForm();
setUpGroupedChoices();
setUpPreview();
document.querySelectorAll("[data-key-rows]").forEach(setUpKeyRows);
setUpFocusKeys();
setUpFollowers();
setUpSmallThings();
