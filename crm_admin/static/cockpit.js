/*
 * The cockpit by keyboard: entries are fetched beside the list, verdicts are sent without leaving
 * the page. Every step is a link or a form that works without this script. Uses what crm.js has:
 * `say`, `isTyping`, `setUpLookup`.
 */
"use strict";

function setUpCockpit() {
  const cockpit = document.querySelector("[data-cockpit]");
  if (!cockpit) return;
  const pane = cockpit.querySelector("[data-pane]");
  const rows = [...cockpit.querySelectorAll("[data-entry]")];
  const kept = new Map(); // address -> promise of an entry that was fetched ahead
  let shown = rows.findIndex((row) => row.querySelector("[aria-current]"));
  let asked = 0;
  let busy = false;

  const linkOf = (row) => row.querySelector("a");
  const get = async (url) => {
    const answer = await fetch(url, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
    return answer.text();
  };
  /** The address of an entry alone; it says which one comes next, for the forms in it. */
  const partOf = (place) => {
    const next = rows[Math.min(place + 1, rows.length - 1)];
    const url = new URL(linkOf(rows[place]).dataset.part, location.href);
    url.searchParams.set("after", next.dataset.entry);
    return url.href;
  };
  const fetchAhead = (place) => {
    if (!rows[place]) return;
    const url = partOf(place);
    if (!kept.has(url)) kept.set(url, get(url).catch(() => null));
  };

  const put = (html) => {
    pane.innerHTML = html;
    pane.scrollTop = 0;
    pane.querySelectorAll("[data-lookup]").forEach(setUpLookup);
  };

  /** Show the entry at a place of the list, and fetch the one after it. */
  const show = async (place, { fresh = false } = {}) => {
    const row = rows[place];
    if (!row) return;
    const mine = ++asked;
    shown = place;
    for (const other of rows) linkOf(other).removeAttribute("aria-current");
    linkOf(row).setAttribute("aria-current", "true");
    row.scrollIntoView({ block: "nearest" });
    cockpit.classList.add("shows-entry");
    history.replaceState(null, "", linkOf(row).href);
    const url = partOf(place);
    if (fresh) kept.delete(url);
    try {
      const html = (await (kept.get(url) ?? get(url))) ?? (await get(url));
      kept.delete(url); // it may change; it is asked anew the next time
      if (mine !== asked) return;
      put(html);
      fetchAhead(place + 1);
    } catch {
      if (mine === asked) location.assign(linkOf(row).href);
    }
  };

  /** Go one entry on or back; beyond the end lies the next page. */
  const step = (by) => {
    const place = shown + by;
    if (rows[place]) return show(place);
    const further = cockpit.querySelector(".pager")?.querySelectorAll("a.button") ?? [];
    const wanted = by > 0 ? "chevron-right" : "chevron-left";
    const link = [...further].find((one) => one.querySelector(`.lucide-${wanted}`));
    if (link) location.assign(link.href);
  };

  /** Put what the server says of an entry and of the counts into the page. */
  const note = (told) => {
    const row = rows.find((one) => one.dataset.entry === told.at);
    const mark = row?.querySelector("[data-mark]");
    if (mark && told.state) {
      row.dataset.state = told.state;
      mark.textContent = told.label;
      mark.className = `badge ${told.tone}`;
    }
    for (const [state, count] of Object.entries(told.states)) {
      const badge = cockpit.querySelector(`[data-count="${state}"]`);
      if (badge) badge.textContent = count;
    }
    document.querySelector("[data-progress]").textContent = told.progress;
    const width = told.total ? (100 * told.looked_at) / told.total : 0;
    document.querySelector("[data-progress-bar]").setAttribute("width", width);
  };

  const complain = (form, told) => {
    const place = form.querySelector("[data-error]");
    if (place && !told.stale) {
      place.textContent = told.error;
      place.hidden = false;
      return;
    }
    say(told.error);
    if (told.stale) show(shown, { fresh: true });
  };

  const send = async (form, act) => {
    if (busy) return;
    busy = true;
    try {
      const body = new URLSearchParams(new FormData(form));
      for (const [name, value] of new URL(location.href).searchParams) {
        if (!body.has(name)) body.append(name, value);
      }
      const answer = await fetch(form.action, { method: "POST", headers: { Accept: "application/json" }, body });
      const told = await answer.json();
      if (!answer.ok) {
        complain(form, told);
        return;
      }
      note(told);
      say(told.said);
      await afterwards(act, told);
    } catch {
      say(texts.notSaved);
    } finally {
      busy = false;
    }
  };

  const afterwards = async (act, told) => {
    if (act === "passed" || act === "failed") {
      if (shown + 1 < rows.length) await show(shown + 1);
      else await show(shown, { fresh: true });
      pane.focus({ preventScroll: true });
      return;
    }
    const place = rows.findIndex((row) => row.dataset.entry === told.at);
    if (place >= 0) await show(place, { fresh: true });
    else location.assign(new URL(`?at=${told.at}`, location.href));
  };

  /** The fields that are missing, in place of what was written. */
  const fix = async (link) => {
    const main = pane.querySelector(".entry-main");
    const url = new URL(link.href);
    url.searchParams.set("part", "1");
    try {
      const place = document.createElement("div");
      place.innerHTML = await get(url.href);
      pane.querySelector(".fix-place")?.remove();
      place.className = "fix-place";
      main.prepend(place);
      place.querySelectorAll("[data-lookup]").forEach(setUpLookup);
      place.querySelector("input:not([type=hidden]), select, textarea")?.focus();
    } catch {
      location.assign(link.href);
    }
  };

  const saveFix = async (form, button) => {
    const body = new URLSearchParams(new FormData(form, button));
    body.set("part", "1");
    const answer = await fetch(form.action, { method: "POST", headers: { Accept: "text/html" }, body });
    if (!answer.ok) {
      say(texts.notSaved);
    } else if (answer.headers.get("Content-Type").includes("json")) {
      say((await answer.json()).said);
      await show(shown, { fresh: true });
      pane.focus({ preventScroll: true });
    } else {
      const place = form.closest(".fix-place");
      place.innerHTML = await answer.text();
      place.querySelectorAll("[data-lookup]").forEach(setUpLookup);
      (place.querySelector("[aria-invalid]") ?? place.querySelector("button"))?.focus();
    }
  };

  const openFail = () => {
    const box = pane.querySelector("[data-fail]");
    if (!box) return;
    box.open = true;
    box.querySelector("input[type=radio]").focus();
  };

  const keys = {
    j: () => step(1),
    arrowdown: () => step(1),
    k: () => step(-1),
    arrowup: () => step(-1),
    p: () => pane.querySelector('[data-key="p"]')?.click(),
    f: openFail,
    r: () => pane.querySelector('[data-key="r"]:not(:disabled)')?.click(),
    u: () => pane.querySelector('[data-key="u"]')?.click(),
    e: () => pane.querySelector('[data-key="e"]')?.click(),
    o: () => pane.querySelector('[data-key="o"]')?.click(),
    "?": () => document.getElementById("keys").showModal(),
  };

  document.addEventListener("keydown", (event) => {
    // As in every form of ours; Enter alone saves from a line of text only.
    const place = event.target.closest(".fix-place");
    if (place && (event.ctrlKey || event.metaKey) && ["s", "Enter"].includes(event.key)) {
      place.querySelector("form").requestSubmit();
      event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.defaultPrevented) return; // a link's own key was followed already
    if (document.querySelector("dialog[open]")) return;
    const fail = event.target.closest("[data-fail]");
    if (event.key === "Escape" && fail) {
      fail.open = false;
      pane.focus({ preventScroll: true });
      event.preventDefault();
      return;
    }
    if (event.key === "Escape" && event.target.closest(".fix-place")) {
      event.target.closest(".fix-place").remove();
      pane.focus({ preventScroll: true });
      event.preventDefault();
      return;
    }
    // A number chooses that reason; Enter on a reason sends, as it does in the line below.
    if (fail && event.target.type === "radio") {
      const reasons = [...fail.querySelectorAll("input[type=radio]")];
      const chosen = reasons[Number(event.key) - 1];
      if (chosen) {
        chosen.checked = true;
        chosen.focus();
        event.preventDefault();
      } else if (event.key === "Enter") {
        fail.querySelector("form").requestSubmit();
        event.preventDefault();
      }
      return;
    }
    if (isTyping(event.target) || event.target.closest("details.menu")) return;
    const act = keys[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  });

  cockpit.addEventListener("click", (event) => {
    const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
    const link = event.target.closest("a");
    if (!link || !plain) return;
    const row = link.closest("[data-entry]");
    if (row) {
      event.preventDefault();
      show(rows.indexOf(row));
    } else if (link.matches("[data-back]")) {
      event.preventDefault();
      cockpit.classList.remove("shows-entry");
      linkOf(rows[shown] ?? rows[0])?.focus();
    } else if (link.matches("[data-fix]")) {
      event.preventDefault();
      fix(link);
    } else if (link.matches("[data-cancel-link]") && link.closest(".fix-place")) {
      event.preventDefault();
      link.closest(".fix-place").remove();
    }
  });
  cockpit.addEventListener("submit", (event) => {
    const form = event.target;
    const act = form.dataset.verdict ?? form.dataset.act;
    if (act) {
      event.preventDefault();
      send(form, act);
    } else if (form.matches("[data-fix-form]")) {
      event.preventDefault();
      saveFix(form, event.submitter);
    }
  });
  document.querySelector("[data-keys-help]")?.addEventListener("click", keys["?"]);
  fetchAhead(shown + 1);
}

setUpCockpit();
