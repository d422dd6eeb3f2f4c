// Loads the page again without losing the place, and sorts and filters without leaving it. Without this script, the page
// does the same by loading as a whole.
"use strict";
(() => {
  const PARTS = ["glance", "fresh", "live"];
  const TIMEOUT = 20000;
  const LONGEST = 300000;
  const form = document.getElementById("query");
  const status = document.getElementById("status");
  let timer, request, failures = 0, loaded = performance.now(), answered = Date.now();

  const period = () => {
    const seconds = Number(document.getElementById("live").dataset.refresh) || 60;
    return Math.min(seconds * 1000 * 2 ** Math.min(failures, 5), Math.max(LONGEST, seconds * 1000));
  };

  const schedule = () => {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(load, period());
  };

  const say = (text) => {
    if (status.textContent !== text) status.textContent = text;
    status.hidden = !text;
  };

  const clock = (time) => new Date(time).toLocaleTimeString();

  async function load() {
    clearTimeout(timer);
    request?.abort();
    const mine = request = new AbortController();
    const limit = setTimeout(() => mine.abort(), TIMEOUT);
    try {
      const response = await fetch(location.href, { cache: "no-cache", signal: mine.signal });
      const text = await response.text();
      if (mine !== request) return;
      if (response.status === 401) {
        say("The exporter wants you to log in again: reload the page.");
        return;
      }
      if (!response.ok) throw new Error("status " + response.status);
      show(new DOMParser().parseFromString(text, "text/html"));
      failures = 0;
      answered = Date.now();
      say("");
    } catch {
      if (mine !== request) return;
      failures += 1;
      say("The exporter does not answer. This page is as of " + clock(answered) + " and tries again by itself.");
    } finally {
      clearTimeout(limit);
    }
    schedule();
  }

  // What a person was at is found again by its id or its link.
  function place() {
    const at = document.activeElement;
    if (!at || !document.getElementById("live").contains(at)) return null;
    return { id: at.id, href: at.getAttribute("href"), summary: at.tagName === "SUMMARY" && at.parentElement.id };
  }

  function find({ id, href, summary }) {
    if (summary) return document.querySelector("#" + CSS.escape(summary) + ">summary");
    if (id) return document.getElementById(id);
    return href && document.querySelector('#live a[href="' + CSS.escape(href) + '"]');
  }

  function show(page) {
    const [x, y, at] = [scrollX, scrollY, place()];
    const open = [...document.querySelectorAll("details[id][open]")].map((part) => part.id);
    const before = new Map([...document.querySelectorAll(".card")].map((card) => [key(card), card.textContent]));
    for (const id of PARTS) {
      const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
      if (!fresh) throw new Error("not a page of the exporter");
      if (old.outerHTML !== fresh.outerHTML) old.replaceWith(document.adoptNode(fresh));
    }
    document.title = page.title;
    const icon = page.getElementById("icon").getAttribute("href");
    if (document.getElementById("icon").getAttribute("href") !== icon) document.getElementById("icon").setAttribute("href", icon);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    for (const card of document.querySelectorAll(".card")) {
      const text = before.get(key(card));
      if (text !== undefined && text !== card.textContent) card.classList.add("changed");
    }
    loaded = performance.now();
    if (at && document.activeElement === document.body) find(at)?.focus({ preventScroll: true });
    scrollTo(x, y);
  }

  const key = (card) => card.querySelector("h3 a").getAttribute("href");

  const age = (seconds) =>
    seconds < 120 ? seconds + " s" :
    seconds < 7200 ? Math.floor(seconds / 60) + " min" :
    seconds < 172800 ? Math.floor(seconds / 3600) + " h" : Math.floor(seconds / 86400) + " d";

  setInterval(() => {
    for (const time of document.querySelectorAll("time[data-age]")) {
      time.textContent = age(Math.floor(Number(time.dataset.age) + (performance.now() - loaded) / 1000));
    }
  }, 15000);

  function query() {
    const parameters = new URLSearchParams(new FormData(form));
    for (const [name, value] of [...parameters]) if (!value || value === "worst") parameters.delete(name);
    const text = parameters.toString();
    history.pushState(null, "", text ? "?" + text : location.pathname);
    load();
  }

  if (form) {
    let typing;
    form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(typing); query(); });
    form.elements.sort.addEventListener("change", query);
    form.elements.filter.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(query, 300); });
    addEventListener("popstate", () => {
      const parameters = new URLSearchParams(location.search);
      form.elements.filter.value = parameters.get("filter") || "";
      form.elements.sort.value = parameters.get("sort") || "worst";
      load();
    });
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(timer);
    else if (performance.now() - loaded > period()) load();
    else schedule();
  });
  schedule();
})();
